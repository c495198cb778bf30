"""A Flask-AppBuilder application with the recipe `azure` of its documentation, which Superset and Airflow repeat. The
settings are in environment variables, as in its examples. The listening socket is standard input.

    app_builder.py PORT FOLDER
"""
import os
import sys

from flask import Flask, g, jsonify
from flask_appbuilder import AppBuilder
from flask_appbuilder.const import AUTH_OAUTH
from flask_appbuilder.utils.legacy import get_sqla_class
from werkzeug.serving import make_server

LOGIN, TENANT = os.environ["LOGIN"], os.environ["AZURE_TENANT_ID"]
port, folder = int(sys.argv[1]), sys.argv[2]
app = Flask(__name__)
app.config.update(
    SECRET_KEY="0123456789abcdef0123456789abcdef",
    SQLALCHEMY_DATABASE_URI=f"sqlite:///{folder}/app_builder.db",
    AUTH_TYPE=AUTH_OAUTH,
    AUTH_USER_REGISTRATION=True,
    AUTH_USER_REGISTRATION_ROLE="Public",
    AUTH_ROLES_SYNC_AT_LOGIN=True,
    AUTH_ROLES_MAPPING={"administrator": ["Admin"]},
    LOGOUT_REDIRECT_URL=(
        f"{LOGIN}/{TENANT}/oauth2/logout?post_logout_redirect_uri=http://localhost:{port}/"
    ),
    OAUTH_PROVIDERS=[
        {
            "name": "azure",
            "icon": "fa-windows",
            "token_key": "access_token",
            "remote_app": {
                "client_id": os.environ["AZURE_APPLICATION_ID"],
                "client_secret": os.environ["AZURE_SECRET"],
                "api_base_url": f"{LOGIN}/{TENANT}/oauth2",
                "client_kwargs": {
                    "scope": "User.read name preferred_username email profile upn",
                    "resource": os.environ["AZURE_APPLICATION_ID"],
                    "verify_signature": True,
                },
                "request_token_url": None,
                "access_token_url": f"{LOGIN}/{TENANT}/oauth2/token",
                "authorize_url": f"{LOGIN}/{TENANT}/oauth2/authorize",
            },
        },
    ],
)
database = get_sqla_class()(app)
with app.app_context():
    AppBuilder(app, database.session)


@app.get("/whoami")
def whoami():
    if not g.user or not g.user.is_authenticated:
        return jsonify(None)
    return jsonify(email=g.user.email, roles=sorted(role.name for role in g.user.roles))


make_server("localhost", port, app, threaded=True, fd=0).serve_forever()
