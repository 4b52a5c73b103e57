from django.urls import path

from datasets_app import api_imports as api

IMPORTS = "projects/<slug:slug>/imports/"
IMPORT = f"{IMPORTS}<int:run_id>/"

urlpatterns = [
    path(IMPORTS, api.ImportsView.as_view(), name="api_imports"),
    path(IMPORT, api.ImportView.as_view(), name="api_import"),
    path(f"{IMPORT}errors/", api.ImportErrorsView.as_view(), name="api_import_errors"),
    path(f"{IMPORT}errors/csv/", api.ImportErrorsFileView.as_view(), name="api_import_errors_csv"),
]
