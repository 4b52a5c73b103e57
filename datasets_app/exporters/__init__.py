"""Exporters by name."""

from datasets_app.exporters.base import Exporter
from datasets_app.exporters.math_aps_tree import MathApsTreeExporter
from datasets_app.exporters.math_shepherd import MathShepherdExporter
from datasets_app.exporters.openrlhf import OpenRlhfExporter
from datasets_app.exporters.orm import OrmExporter
from datasets_app.exporters.prm800k import Prm800kExporter
from datasets_app.exporters.processbench import ProcessBenchExporter
from datasets_app.exporters.rlhflow_orm import RlhflowOrmExporter
from datasets_app.exporters.rlhflow_prm import RlhflowPrmExporter
from datasets_app.exporters.sft import SftExporter
from datasets_app.exporters.star import StarExporter
from datasets_app.exporters.step_dpo import StepDpoExporter
from datasets_app.exporters.steps import StepsExporter
from datasets_app.exporters.trl_preference import TrlPreferenceExporter
from datasets_app.exporters.trl_stepwise import TrlStepwiseExporter
from datasets_app.exporters.trl_unpaired import TrlUnpairedExporter
from web.registry import lookup

EXPORTERS: dict[str, type[Exporter]] = {
    exporter.name: exporter
    for exporter in (
        MathApsTreeExporter,
        MathShepherdExporter,
        OpenRlhfExporter,
        OrmExporter,
        Prm800kExporter,
        ProcessBenchExporter,
        RlhflowOrmExporter,
        RlhflowPrmExporter,
        SftExporter,
        StarExporter,
        StepDpoExporter,
        StepsExporter,
        TrlPreferenceExporter,
        TrlStepwiseExporter,
        TrlUnpairedExporter,
    )
}


def get_exporter(name: str) -> type[Exporter]:
    """Return the exporter class of this name; UnknownName lists the known ones."""
    return lookup("exporter", EXPORTERS, name)
