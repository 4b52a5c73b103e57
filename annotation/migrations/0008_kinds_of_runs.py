"""Runs that bring data in and out: imports, freezing and exports."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('annotation', '0007_route'),
    ]

    operations = [
        migrations.AlterField(
            model_name='run',
            name='kind',
            field=models.CharField(choices=[('sampling', 'Sampling'), ('labelling', 'Labelling'), ('candidates', 'Candidates'), ('routing', 'Routing'), ('cloning', 'Cloning'), ('import', 'Import'), ('freeze', 'Freezing'), ('export', 'Export')], max_length=20),
        ),
    ]
