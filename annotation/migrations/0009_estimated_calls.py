"""Of how many calls the tokens are estimated, because the server did not count them."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('annotation', '0008_kinds_of_runs'),
    ]

    operations = [
        migrations.AddField(
            model_name='run',
            name='estimated_calls',
            field=models.PositiveBigIntegerField(default=0, help_text='Of the calls, those whose tokens the server did not count.'),
        ),
        migrations.AddField(
            model_name='workcost',
            name='estimated_calls',
            field=models.PositiveIntegerField(default=0, help_text='Of the calls, those whose tokens the server did not count.'),
        ),
    ]
