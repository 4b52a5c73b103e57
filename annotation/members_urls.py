from django.urls import path

from annotation import members_views as views
from annotation import tokens_views

MEMBERS = "projects/<slug:slug>/members/"

urlpatterns = [
    path(MEMBERS, views.members_page, name="members"),
    path(f"{MEMBERS}<int:membership_id>/role/", views.change_role, name="change_role"),
    path(f"{MEMBERS}<int:membership_id>/end/", views.end_membership, name="end_membership"),
    path(
        f"{MEMBERS}<int:membership_id>/restore/",
        views.restore_membership,
        name="restore_membership",
    ),
    path(f"{MEMBERS}invite/", views.invite, name="invite"),
    path(
        f"{MEMBERS}invitations/<int:invitation_id>/revoke/",
        views.revoke_invitation,
        name="revoke_invitation",
    ),
    # web.log_filter keeps the secret out of the log; it knows this address.
    path("join/<str:secret>/", views.join, name="join"),
    path("account/tokens/", tokens_views.tokens, name="tokens"),
    path("account/tokens/revoke/", tokens_views.revoke, name="revoke_token"),
]
