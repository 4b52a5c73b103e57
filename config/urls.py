"""Every address of the site."""

from django.contrib import admin
from django.contrib.auth.decorators import login_not_required
from django.urls import include, path, reverse_lazy
from django.views.generic import RedirectView

# One way in: the admin's own login form would be a second one to guard.
to_login = RedirectView.as_view(url=reverse_lazy("login"), query_string=True)

urlpatterns = [
    path("", include("web.urls")),
    path("", include("annotation.urls")),
    path("", include("datasets_app.import_urls")),
    path("", include("datasets_app.urls")),
    path("api/v1/", include("annotation.api_urls")),
    path("api/v1/", include("datasets_app.import_api_urls")),
    path("api/v1/", include("datasets_app.api_urls")),
    path("admin/login/", login_not_required(to_login)),
    path("admin/", admin.site.urls),
]

handler400 = "web.errors.bad_request"
handler403 = "web.errors.permission_denied"
handler404 = "web.errors.page_not_found"
handler500 = "web.errors.server_error"
