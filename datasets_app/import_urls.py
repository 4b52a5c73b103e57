from django.urls import path

from datasets_app import import_views as views

IMPORTS = "projects/<slug:slug>/imports/"
IMPORT = f"{IMPORTS}<int:run_id>/"

urlpatterns = [
    path(IMPORTS, views.imports, name="imports"),
    path(IMPORT, views.one_import, name="import"),
    path(f"{IMPORT}errors/", views.import_errors, name="import_errors"),
]
