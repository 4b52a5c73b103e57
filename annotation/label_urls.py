from django.urls import path

from annotation import label_views, practice_views

urlpatterns = [
    path("<slug:slug>/", label_views.label, name="label"),
    path("<slug:slug>/review/", label_views.review, name="label_review"),
    path("<slug:slug>/guidelines/", label_views.guidelines, name="label_guidelines"),
    path("<slug:slug>/<int:assignment_id>/", label_views.assignment, name="label_assignment"),
    path(
        "<slug:slug>/<int:assignment_id>/candidates/",
        label_views.candidates,
        name="label_candidates",
    ),
    path(
        "<slug:slug>/<int:assignment_id>/explanations/",
        label_views.explanations,
        name="label_explanations",
    ),
    path("<slug:slug>/correct/<int:annotation_id>/", label_views.correct, name="label_correct"),
    path("<slug:slug>/practice/", practice_views.exercise, name="label_practice"),
    path("<slug:slug>/practice/<int:number>/", practice_views.exercise, name="label_exercise"),
    path("<slug:slug>/practice/<int:number>/check/", practice_views.check, name="label_check"),
]
