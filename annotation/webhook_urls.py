from django.urls import path

from annotation import service_account_views as accounts
from annotation import webhook_views as views

WEBHOOKS = "projects/<slug:slug>/webhooks/"
WEBHOOK = f"{WEBHOOKS}<int:webhook_id>/"
ACCOUNTS = "projects/<slug:slug>/service-accounts/"
ACCOUNT = f"{ACCOUNTS}<int:member_id>/"

urlpatterns = [
    path(ACCOUNTS, accounts.accounts, name="service_accounts"),
    path(ACCOUNT, accounts.account, name="service_account"),
    path(f"{ACCOUNT}tokens/<str:token>/revoke/", accounts.revoke, name="revoke_service_token"),
    path(WEBHOOKS, views.webhooks, name="webhooks"),
    path(WEBHOOK, views.webhook, name="webhook"),
    path(f"{WEBHOOK}rotate/", views.rotate_webhook, name="rotate_webhook"),
    path(f"{WEBHOOK}enable/", views.enable_webhook, name="enable_webhook"),
    path(f"{WEBHOOK}ping/", views.ping_webhook, name="ping_webhook"),
    path(f"{WEBHOOK}delete/", views.delete_webhook, name="delete_webhook"),
    path(f"{WEBHOOK}deliveries/<uuid:delivery>/redeliver/", views.redeliver, name="redeliver"),
]
