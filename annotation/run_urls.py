from django.urls import path

from annotation import run_views as views

RUNS = "projects/<slug:slug>/runs/"
RUN = f"{RUNS}<int:run_id>/"

urlpatterns = [
    path(RUNS, views.runs, name="runs"),
    path(RUN, views.run, name="run"),
    path(f"{RUN}pause/", views.pause, name="pause_run"),
    path(f"{RUN}cancel/", views.cancel, name="cancel_run"),
    path(f"{RUN}resume/", views.resume, name="resume_run"),
    path(f"{RUN}retry/", views.retry, name="retry_run"),
]
