"""The description of the REST API, and a page to read it."""

from drf_spectacular import renderers as openapi
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView


class SchemaView(SpectacularAPIView):
    """The description itself: JSON, or YAML for who asks for it."""

    renderer_classes = [  # noqa: RUF012 - DRF's way
        openapi.OpenApiJsonRenderer2, openapi.OpenApiJsonRenderer,
        openapi.OpenApiYamlRenderer2, openapi.OpenApiYamlRenderer,
    ]  # fmt: skip


class DocsView(SpectacularSwaggerSplitView):
    """A page to read it and try it: its script has an address of its own, for the CSP."""

    url_name = "api_schema"
    template_name = "web/api_docs.html"
