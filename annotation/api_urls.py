from django.urls import path

from annotation import api

SLOT = "projects/<slug:slug>/assignments/<int:assignment_id>"

urlpatterns = [
    path("projects/<slug:slug>/assignments/next/", api.NextView.as_view(), name="api-next"),
    path("projects/<slug:slug>/assignments/undo/", api.UndoView.as_view(), name="api-undo"),
    path(f"{SLOT}/draft/", api.DraftView.as_view(), name="api-draft"),
    path(f"{SLOT}/submit/", api.SubmitView.as_view(), name="api-submit"),
    path(f"{SLOT}/skip/", api.SkipView.as_view(), name="api-skip"),
    path(f"{SLOT}/release/", api.ReleaseView.as_view(), name="api-release"),
    path(f"{SLOT}/extend/", api.ExtendView.as_view(), name="api-extend"),
    path(f"{SLOT}/correct/", api.CorrectView.as_view(), name="api-correct"),
    path(f"{SLOT}/candidates/", api.CandidatesView.as_view(), name="api-candidates"),
    path(f"{SLOT}/choose/", api.ChooseView.as_view(), name="api-choose"),
]
