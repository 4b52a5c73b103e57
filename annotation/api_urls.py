from django.urls import path

from annotation import api

SLOT = "projects/<slug:slug>/assignments/<int:assignment_id>"

urlpatterns = [
    path("projects/<slug:slug>/assignments/next/", api.NextView.as_view(), name="api_next"),
    path("projects/<slug:slug>/assignments/undo/", api.UndoView.as_view(), name="api_undo"),
    path(f"{SLOT}/draft/", api.DraftView.as_view(), name="api_draft"),
    path(f"{SLOT}/submit/", api.SubmitView.as_view(), name="api_submit"),
    path(f"{SLOT}/skip/", api.SkipView.as_view(), name="api_skip"),
    path(f"{SLOT}/release/", api.ReleaseView.as_view(), name="api_release"),
    path(f"{SLOT}/extend/", api.ExtendView.as_view(), name="api_extend"),
    path(f"{SLOT}/correct/", api.CorrectView.as_view(), name="api_correct"),
    path(f"{SLOT}/candidates/", api.CandidatesView.as_view(), name="api_candidates"),
    path(f"{SLOT}/choose/", api.ChooseView.as_view(), name="api_choose"),
]
