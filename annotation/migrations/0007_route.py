"""The route: verdicts, slots for reviewers, and what is to be looked at again (ADR 9)."""

import annotation.models.projects
import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.expressions
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('annotation', '0006_labelling_runs'),
        ('labelers', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='Reconsideration',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
            ],
        ),
        migrations.CreateModel(
            name='Verdict',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('rating', models.SmallIntegerField()),
                ('soft', models.FloatField(help_text='From 0 (wrong) to 1: the mean of what each annotation says of the step.')),
                ('rule', models.CharField(help_text='What decided it.', max_length=200)),
                ('annotations', django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), help_text='Ids of those that were counted, whatever they said.', size=None)),
                ('decided_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
            ],
        ),
        migrations.AddField(
            model_name='assignment',
            name='for_reviewers',
            field=models.BooleanField(db_default=False, default=False, help_text='In the queue of reviewers, whose marks decide.'),
        ),
        migrations.AddField(
            model_name='assignment',
            name='shows_marks',
            field=models.BooleanField(db_default=False, default=False, help_text="Its page shows the models' marks: drawn when the slot is made."),
        ),
        migrations.AlterField(
            model_name='assignment',
            name='is_named',
            field=models.BooleanField(default=False, help_text="Made for one labeler, or for reviewers: not in the people's queue."),
        ),
        migrations.AlterField(
            model_name='project',
            name='routing',
            field=models.JSONField(blank=True, default=dict, validators=[annotation.models.projects.is_policy], help_text='The policy of its route; empty: all goes to people.'),
        ),
        migrations.AddIndex(
            model_name='assignment',
            index=models.Index(models.F('project'), django.db.models.expressions.CombinedExpression(models.F('priority'), '*', models.Value(-1.0)), models.F('id'), condition=models.Q(('for_reviewers', True), ('state', 'open')), name='assignment_for_review'),
        ),
        migrations.AddConstraint(
            model_name='assignment',
            constraint=models.CheckConstraint(condition=models.Q(('for_reviewers', False), ('is_named', True), _connector='OR'), name='assignment_for_reviewers_is_not_for_people'),
        ),
        migrations.AddField(
            model_name='reconsideration',
            name='project',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='annotation.project'),
        ),
        migrations.AddField(
            model_name='reconsideration',
            name='solution',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='annotation.solution'),
        ),
        migrations.AddField(
            model_name='verdict',
            name='solution',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='verdicts', to='annotation.solution'),
        ),
        migrations.AddField(
            model_name='verdict',
            name='step',
            field=models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='verdict', to='annotation.step'),
        ),
        migrations.AddIndex(
            model_name='reconsideration',
            index=models.Index(fields=['project', 'id'], name='reconsideration_by_project'),
        ),
        migrations.AddConstraint(
            model_name='verdict',
            constraint=models.CheckConstraint(condition=models.Q(('rating__in', [-1, 0, 1])), name='verdict_rating_is_known'),
        ),
        migrations.AddConstraint(
            model_name='verdict',
            constraint=models.CheckConstraint(condition=models.Q(('soft__gte', 0), ('soft__lte', 1)), name='verdict_soft_is_a_share'),
        ),
    ]
