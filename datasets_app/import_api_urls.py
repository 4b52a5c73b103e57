from django.urls import path
from drf_spectacular.types import OpenApiTypes

from annotation.api_described_programs import door
from datasets_app import api_imports as api

IMPORTS = "projects/<slug:slug>/imports/"
IMPORT = f"{IMPORTS}<int:run_id>/"

door(api.ImportsView, "post", {"multipart/form-data": api.ImportFields}, status=202)
door(api.ImportView, "get")
door(api.ImportErrorsView, "get", pages=True)
door(api.ImportErrorsFileView, "get", answer={(200, "text/csv"): OpenApiTypes.STR})

urlpatterns = [
    path(IMPORTS, api.ImportsView.as_view(), name="api_imports"),
    path(IMPORT, api.ImportView.as_view(), name="api_import"),
    path(f"{IMPORT}errors/", api.ImportErrorsView.as_view(), name="api_import_errors"),
    path(f"{IMPORT}errors/csv/", api.ImportErrorsFileView.as_view(), name="api_import_errors_csv"),
]
