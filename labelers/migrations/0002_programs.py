"""An account may be a model labeler: a program that marks over REST."""

from typing import ClassVar

from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies: ClassVar = [("labelers", "0001_initial")]

    operations: ClassVar = [
        migrations.RemoveConstraint("labeler", "labeler_is_a_person_or_has_a_judge"),
        migrations.AddConstraint(
            "labeler",
            models.CheckConstraint(
                condition=Q(kind="person", judge="")
                | Q(kind="model", user=None) & ~Q(judge="")
                | Q(kind="model", judge="") & ~Q(user=None),
                name="labeler_is_a_person_a_judge_or_a_program",
            ),
        ),
    ]
