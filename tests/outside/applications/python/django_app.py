"""A Django project with Microsoft's `identity` package, as the package's guide for Django sets it up: its settings
are the environment variables of Microsoft's sample. The listening socket is standard input.

    django_app.py PORT
"""
import json
import os
import sys

import requests
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from identity.django import Auth
from werkzeug.serving import make_server

settings.configure(
    SECRET_KEY="0123456789abcdef0123456789abcdef",
    ALLOWED_HOSTS=["localhost"],
    ROOT_URLCONF=__name__,
    INSTALLED_APPS=["django.contrib.sessions", "identity"],
    MIDDLEWARE=["django.contrib.sessions.middleware.SessionMiddleware"],
    SESSION_ENGINE="django.contrib.sessions.backends.cache",
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}],
    AUTH=Auth(
        os.getenv("CLIENT_ID"),
        client_credential=os.getenv("CLIENT_SECRET"),
        redirect_uri=os.getenv("REDIRECT_URI"),
        authority=os.getenv("AUTHORITY"),
    ),
)
application = get_wsgi_application()

from django.http import JsonResponse  # noqa: E402
from django.urls import path  # noqa: E402


@settings.AUTH.login_required
def index(request, *, context):
    return JsonResponse(context["user"])


def called(context, url):
    answer = requests.get(url, headers={"Authorization": f"Bearer {context['access_token']}"}, timeout=30)
    answer.raise_for_status()
    return answer.json()


@settings.AUTH.login_required(scopes=["User.Read"])
def groups(request, *, context):
    found, url = [], f"{os.getenv('ENDPOINT')}/transitiveMemberOf?$select=id"
    while url:
        page = called(context, url)
        found += [group["id"] for group in page["value"]]
        url = page.get("@odata.nextLink")
    return JsonResponse({"groups": found, "access_token": context["access_token"]})


@settings.AUTH.login_required(scopes=["https://api.powerplatform.com/.default"])
def elsewhere(request, *, context):
    return JsonResponse({"scopes": context["scopes"]})


def expire(request):
    """Lets the access tokens of the session expire, as time would."""
    cache = json.loads(request.session["_token_cache"])
    for token in cache["AccessToken"].values():
        token["expires_on"] = token["cached_at"]
    request.session["_token_cache"] = json.dumps(cache)
    return JsonResponse({})


urlpatterns = [
    settings.AUTH.urlpattern,
    path("", index),
    path("groups", groups),
    path("elsewhere", elsewhere),
    path("expire", expire),
]
make_server("localhost", int(sys.argv[1]), application, threaded=True, fd=0).serve_forever()
