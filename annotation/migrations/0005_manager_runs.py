"""Routing and cloning as Runs."""

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("annotation", "0004_claiming")]

    operations: ClassVar = [
        migrations.AddField(
            "run",
            "grown",
            models.IntegerField(default=0, help_text="By how many slots of work the queue grew."),
        ),
        migrations.AlterField(
            "run",
            "kind",
            models.CharField(
                choices=[
                    ("sampling", "Sampling"),
                    ("labelling", "Labelling"),
                    ("candidates", "Candidates"),
                    ("routing", "Routing"),
                    ("cloning", "Cloning"),
                ],
                max_length=20,
            ),
        ),
    ]
