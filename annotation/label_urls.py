from django.urls import path

from annotation import label_views, practice_views

urlpatterns = [
    path("<slug:slug>/", label_views.label, name="label"),
    path("<slug:slug>/guidelines/", label_views.guidelines, name="label-guidelines"),
    path("<slug:slug>/<int:assignment_id>/", label_views.assignment, name="label-assignment"),
    path(
        "<slug:slug>/<int:assignment_id>/candidates/",
        label_views.candidates,
        name="label-candidates",
    ),
    path("<slug:slug>/correct/<int:annotation_id>/", label_views.correct, name="label-correct"),
    path("<slug:slug>/practice/", practice_views.exercise, name="label-practice"),
    path("<slug:slug>/practice/<int:number>/", practice_views.exercise, name="label-exercise"),
    path("<slug:slug>/practice/<int:number>/check/", practice_views.check, name="label-check"),
]
