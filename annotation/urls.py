from django.urls import include, path

from annotation import views

urlpatterns = [
    path("", include("annotation.members_urls")),
    path("", views.home, name="home"),
    path("projects/", views.projects, name="projects"),
    path("projects/<slug:slug>/", views.project, name="project"),
    path("projects/<slug:slug>/problems/", views.problems, name="problems"),
    path("projects/<slug:slug>/problems/<int:problem_id>/", views.problem, name="problem"),
    path("projects/<slug:slug>/solutions/", views.solutions, name="solutions"),
    path("projects/<slug:slug>/solutions/<int:solution_id>/", views.solution, name="solution"),
]
