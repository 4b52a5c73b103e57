from django.urls import path

from datasets_app import api, api_held_out, api_inquiries

HELD_OUT = "projects/<slug:slug>/held-out/"
DATASETS = "projects/<slug:slug>/datasets/"
DATASET = f"{DATASETS}<slug:name>/"
VERSION = f"{DATASET}versions/<int:version>/"

urlpatterns = [
    path(DATASETS, api.DatasetsView.as_view(), name="api_datasets"),
    path(DATASET, api.DatasetView.as_view(), name="api_dataset"),
    path(f"{DATASET}versions/", api.VersionsView.as_view(), name="api_snapshots"),
    path(VERSION, api.VersionView.as_view(), name="api_snapshot"),
    path(f"{VERSION}exports/", api.ExportsView.as_view(), name="api_exports"),
    path(f"{VERSION}comparisons/", api_inquiries.ComparisonsView.as_view(), name="api_comparisons"),
    path(
        f"{VERSION}token-lengths/",
        api_inquiries.TokenLengthsView.as_view(),
        name="api_token_lengths",
    ),
    path(f"{VERSION}files/<path:path>", api.FileView.as_view(), name="api_snapshot_file"),
    path(HELD_OUT, api_held_out.HeldOutsView.as_view(), name="api_held_outs"),
    path(f"{HELD_OUT}<int:held_out_id>/", api_held_out.HeldOutView.as_view(), name="api_held_out"),
]
