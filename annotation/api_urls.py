from django.contrib.auth.decorators import login_required
from django.urls import path

from annotation import (
    api,
    api_described,
    api_described_programs,
    api_feeds,
    api_projects,
    api_read,
    api_runs,
    api_sampling,
    api_service_accounts,
    api_webhooks,
)
from web import api_docs

api_described.describe()
api_described_programs.describe()

PROJECT = "projects/<slug:slug>"
SLOT = "projects/<slug:slug>/assignments/<int:assignment_id>"

RUN = "projects/<slug:slug>/runs/<int:run_id>"

WEBHOOKS = "projects/<slug:slug>/webhooks/"
WEBHOOK = f"{WEBHOOKS}<int:webhook_id>"

ACCOUNTS = "projects/<slug:slug>/service-accounts/"
ACCOUNT = f"{ACCOUNTS}<int:member_id>"

urlpatterns = [
    path("schema/", api_docs.SchemaView.as_view(), name="api_schema"),
    path("docs/", login_required(api_docs.DocsView.as_view()), name="api_docs"),
    path("projects/", api_projects.ProjectsView.as_view(), name="api_projects"),
    path("projects/<slug:slug>/", api_projects.ProjectView.as_view(), name="api_project"),
    path(f"{PROJECT}/problems/", api_read.ProblemsView.as_view(), name="api_problems"),
    path(
        f"{PROJECT}/problems/<int:problem_id>/", api_read.ProblemView.as_view(), name="api_problem"
    ),
    path(f"{PROJECT}/solutions/", api_read.SolutionsView.as_view(), name="api_solutions"),
    path(
        f"{PROJECT}/solutions/<int:solution_id>/",
        api_read.SolutionView.as_view(),
        name="api_solution",
    ),
    path(f"{PROJECT}/steps/", api_read.StepsView.as_view(), name="api_steps"),
    path(f"{PROJECT}/steps/<int:step_id>/", api_read.StepView.as_view(), name="api_step"),
    path(f"{PROJECT}/annotations/", api_read.AnnotationsView.as_view(), name="api_annotations"),
    path(
        f"{PROJECT}/annotations/changes/",
        api_feeds.AnnotationChangesView.as_view(),
        name="api_annotation_changes",
    ),
    path(
        f"{PROJECT}/annotations/<int:annotation_id>/",
        api_read.AnnotationView.as_view(),
        name="api_annotation",
    ),
    path(f"{PROJECT}/verdicts/", api_read.VerdictsView.as_view(), name="api_verdicts"),
    path(
        f"{PROJECT}/verdicts/changes/",
        api_feeds.VerdictChangesView.as_view(),
        name="api_verdict_changes",
    ),
    path(f"{PROJECT}/verdicts/<int:step_id>/", api_read.VerdictView.as_view(), name="api_verdict"),
    path(f"{PROJECT}/labelers/", api_read.LabelersView.as_view(), name="api_labelers"),
    path(
        f"{PROJECT}/labelers/<uuid:labeler_uuid>/",
        api_read.LabelerView.as_view(),
        name="api_labeler",
    ),
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
    path(
        "projects/<slug:slug>/runs/sampling/",
        api_sampling.SamplingView.as_view(),
        name="api_sampling",
    ),
    path(ACCOUNTS, api_service_accounts.ServiceAccountsView.as_view(), name="api_service_accounts"),
    path(
        f"{ACCOUNT}/",
        api_service_accounts.ServiceAccountView.as_view(),
        name="api_service_account",
    ),
    path(
        f"{ACCOUNT}/tokens/",
        api_service_accounts.ServiceTokensView.as_view(),
        name="api_service_tokens",
    ),
    path(
        f"{ACCOUNT}/tokens/<str:token>/",
        api_service_accounts.ServiceTokenView.as_view(),
        name="api_service_token",
    ),
    path(WEBHOOKS, api_webhooks.WebhooksView.as_view(), name="api_webhooks"),
    path(f"{WEBHOOK}/", api_webhooks.WebhookView.as_view(), name="api_webhook"),
    path(f"{WEBHOOK}/rotate/", api_webhooks.RotateWebhookView.as_view(), name="api_rotate_webhook"),
    path(f"{WEBHOOK}/enable/", api_webhooks.EnableWebhookView.as_view(), name="api_enable_webhook"),
    path(f"{WEBHOOK}/ping/", api_webhooks.PingWebhookView.as_view(), name="api_ping_webhook"),
    path(f"{WEBHOOK}/deliveries/", api_webhooks.DeliveriesView.as_view(), name="api_deliveries"),
    path(
        f"{WEBHOOK}/deliveries/<uuid:delivery>/redeliver/",
        api_webhooks.RedeliverView.as_view(),
        name="api_redeliver",
    ),
]
