from django.urls import include, path

from annotation import home_views, views

urlpatterns = [
    path("", include("annotation.members_urls")),
    path("", include("annotation.manage_urls")),
    path("label/", include("annotation.label_urls")),
    path("", home_views.home, name="home"),
    path("projects/", views.projects, name="projects"),
    path("projects/<slug:slug>/", views.project, name="project"),
    path("projects/<slug:slug>/problems/", views.problems, name="problems"),
    path("projects/<slug:slug>/problems/<int:problem_id>/", views.problem, name="problem"),
    path("", include("annotation.run_urls")),
    path("", include("annotation.solution_urls")),
    path("", include("annotation.webhook_urls")),
]
