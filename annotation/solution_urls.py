from django.urls import path

from annotation import solution_views as views
from annotation import work_views

SOLUTIONS = "projects/<slug:slug>/solutions/"
SOLUTION = f"{SOLUTIONS}<int:solution_id>/"

urlpatterns = [
    path(SOLUTIONS, views.solutions, name="solutions"),
    path(SOLUTION, views.solution, name="solution"),
    path(f"{SOLUTION}practice/", views.practice, name="practice_choice"),
    path(f"{SOLUTION}priority/", views.priority, name="solution_priority"),
    path("work/", work_views.work, name="work"),
]
