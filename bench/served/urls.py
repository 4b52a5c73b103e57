from django.urls import path

from bench.served import views
from config import urls

urlpatterns = [*urls.urlpatterns, path("bench/empty/", views.empty)]
