from django.urls import path

from annotation import manage_views, report_views, routing_views, settings_views

urlpatterns = [
    # Before the projects themselves: no project has this short name.
    path("projects/new/", manage_views.new_project, name="new_project"),
    path("projects/<slug:slug>/route/", manage_views.route, name="route"),
    path("projects/<slug:slug>/pause/", manage_views.pause, name="pause"),
    path("projects/<slug:slug>/resume/", manage_views.resume, name="resume"),
    path(
        "projects/<slug:slug>/leases/<int:lease_id>/release/", manage_views.release, name="release"
    ),
    path(
        "projects/<slug:slug>/labelers/<int:labeler_id>/release/",
        manage_views.release_labeler,
        name="release_labeler",
    ),
    path("projects/<slug:slug>/archive/", manage_views.archive, name="archive"),
    path("projects/<slug:slug>/restore/", manage_views.restore, name="restore"),
    path("projects/<slug:slug>/clone/", manage_views.clone, name="clone"),
    path("projects/<slug:slug>/routing/", routing_views.routing, name="routing"),
    path("projects/<slug:slug>/settings/", settings_views.settings, name="project_settings"),
    path("projects/<slug:slug>/guidelines/", settings_views.guidelines, name="guidelines"),
    path(
        "projects/<slug:slug>/guidelines/edit/",
        settings_views.edit_guidelines,
        name="edit_guidelines",
    ),
    path("projects/<slug:slug>/report/", report_views.report, name="report"),
    path("projects/<slug:slug>/report/csv/", report_views.report_csv, name="report_csv"),
]
