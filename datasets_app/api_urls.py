from django.urls import path

from datasets_app import api

DATASETS = "projects/<slug:slug>/datasets/"
DATASET = f"{DATASETS}<slug:name>/"
VERSION = f"{DATASET}versions/<int:version>/"

urlpatterns = [
    path(DATASETS, api.DatasetsView.as_view(), name="api_datasets"),
    path(DATASET, api.DatasetView.as_view(), name="api_dataset"),
    path(f"{DATASET}versions/", api.VersionsView.as_view(), name="api_snapshots"),
    path(VERSION, api.VersionView.as_view(), name="api_snapshot"),
    path(f"{VERSION}exports/", api.ExportsView.as_view(), name="api_exports"),
    path(f"{VERSION}files/<path:path>", api.FileView.as_view(), name="api_snapshot_file"),
]
