from django.apps import AppConfig


class DatasetsConfig(AppConfig):
    name = "datasets_app"

    def ready(self) -> None:
        from annotation import run_kinds
        from annotation.models import Run
        from datasets_app.snapshots import freeze_slice
        from datasets_app.upload_parts import import_slice

        for kind in (Run.Kind.FREEZE, Run.Kind.EXPORT):
            run_kinds.register(kind, freeze_slice)
        run_kinds.register(Run.Kind.IMPORT, import_slice)
