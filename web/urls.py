from django.urls import path

from web import account, login, views

urlpatterns = [
    path("login/", login.LoginView.as_view(), name="login"),
    path("account/", account.account, name="account"),
    path("account/keys/", account.account_keys, name="account_keys"),
    path("account/password/", account.PasswordView.as_view(), name="account_password"),
    path("logout/", views.LogoutView.as_view(), name="logout"),
    path("favicon.ico", views.favicon, name="favicon"),
    path("health/", views.health_check, name="health"),
]
