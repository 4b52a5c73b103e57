from django.urls import path

from datasets_app import compare_views, download_views, freeze_views, snapshot_views, views

DATASETS = "projects/<slug:slug>/datasets/"
DATASET = f"{DATASETS}<slug:name>/"
VERSION = f"{DATASET}v<int:version>/"

urlpatterns = [
    path(DATASETS, views.datasets, name="datasets"),
    # Before the datasets themselves: none has these short names.
    path(f"{DATASETS}new/", views.new_dataset, name="new_dataset"),
    path(f"{DATASETS}hold-out/", views.hold_out, name="hold_out"),
    path(DATASET, views.dataset, name="dataset"),
    path(f"{DATASET}edit/", views.edit_dataset, name="edit_dataset"),
    path(f"{DATASET}freeze/", freeze_views.freeze, name="freeze"),
    path(f"{DATASET}compare/", compare_views.comparison, name="comparison"),
    path(VERSION, snapshot_views.snapshot, name="snapshot"),
    path(f"{VERSION}go-on/", snapshot_views.go_on, name="resume_snapshot"),
    path(f"{VERSION}formats/", snapshot_views.add_formats, name="add_formats"),
    path(f"{VERSION}files/<path:path>", download_views.file, name="snapshot_file"),
]
