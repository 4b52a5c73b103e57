from django.urls import include, path

from bench import bare_views

urlpatterns = [
    path("bare/empty/", bare_views.empty),
    path("bare/<slug:slug>/next/", bare_views.claim),
    path("bare/submit/", bare_views.keep),
    path("", include("config.urls")),
]
