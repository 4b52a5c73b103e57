from django.urls import path

from annotation import api, api_runs

SLOT = "projects/<slug:slug>/assignments/<int:assignment_id>"

RUN = "projects/<slug:slug>/runs/<int:run_id>"

urlpatterns = [
    path("projects/<slug:slug>/assignments/next/", api.NextView.as_view(), name="api_next"),
    path("projects/<slug:slug>/assignments/review/", api.ReviewView.as_view(), name="api_review"),
    path("projects/<slug:slug>/assignments/undo/", api.UndoView.as_view(), name="api_undo"),
    path(f"{SLOT}/draft/", api.DraftView.as_view(), name="api_draft"),
    path(f"{SLOT}/submit/", api.SubmitView.as_view(), name="api_submit"),
    path(f"{SLOT}/skip/", api.SkipView.as_view(), name="api_skip"),
    path(f"{SLOT}/release/", api.ReleaseView.as_view(), name="api_release"),
    path(f"{SLOT}/extend/", api.ExtendView.as_view(), name="api_extend"),
    path(f"{SLOT}/correct/", api.CorrectView.as_view(), name="api_correct"),
    path(f"{SLOT}/candidates/", api.CandidatesView.as_view(), name="api_candidates"),
    path(f"{SLOT}/choose/", api.ChooseView.as_view(), name="api_choose"),
    path("projects/<slug:slug>/runs/", api_runs.RunsView.as_view(), name="api_runs"),
    path(f"{RUN}/", api_runs.RunView.as_view(), name="api_run"),
    path(f"{RUN}/pause/", api_runs.PauseView.as_view(), name="api_pause_run"),
    path(f"{RUN}/cancel/", api_runs.CancelView.as_view(), name="api_cancel_run"),
    path(f"{RUN}/resume/", api_runs.ResumeView.as_view(), name="api_resume_run"),
    path(f"{RUN}/retry/", api_runs.RetryView.as_view(), name="api_retry_run"),
]
