"""Unmodified Microsoft clients against a running Carnet: MSAL and azure-identity get tokens and are refused
with the right codes, and PyJWT verifies what they got with the published keys.

    witness.py READY_FILE FACTS_FILE        (the outside issuer's port is a listening socket on standard input)

Prints one line a case, `PASS name` or `FAIL name: why`, and exits 1 when any failed.
"""
import html.parser
import http.server
import json
import logging
import os
import socket
import sys
import tempfile
import threading
import time
import urllib.parse

import jwt
import msal
import requests
from azure.core import PipelineClient
from azure.core.exceptions import ClientAuthenticationError
from azure.core.pipeline.policies import BearerTokenCredentialPolicy, SansIOHTTPPolicy
from azure.core.pipeline.transport import RequestsTransport
from azure.core.rest import HttpRequest
from azure.identity import (
    CertificateCredential, ClientSecretCredential, DeviceCodeCredential, UsernamePasswordCredential,
    WorkloadIdentityCredential)
from cryptography.hazmat.primitives.asymmetric import rsa
from requests.adapters import HTTPAdapter

logging.getLogger("azure").setLevel(logging.CRITICAL)
READY = json.load(open(sys.argv[1]))
FACTS = json.load(open(sys.argv[2]))
BASE = READY["endpoints"]["login"]
TENANT = READY["tenants"][0]["id"]
AUTHORITY = f"{BASE}/{TENANT}"
AZURE_CLI = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
GRAPH = "https://graph.microsoft.com/.default"
ME = f"{READY['endpoints']['graph']}/v1.0/me"
SCOPE = "https://api.powerplatform.com/.default"
CASES = []


class SamePort(HTTPAdapter):
    """MSAL asks for the user realm without the authority's port; that one request goes to the server too."""

    def send(self, request, **kw):
        url = urllib.parse.urlsplit(request.url)
        if url.port is None:
            port = urllib.parse.urlsplit(BASE).port
            request.url = urllib.parse.urlunsplit(url._replace(netloc=f"{url.hostname}:{port}"))
        return super().send(request, **kw)


def session():
    made = requests.Session()
    made.trust_env = False
    made.verify = READY["ca_file"]
    made.mount("https://", SamePort())
    return made


def case(function):
    CASES.append(function)
    return function


def verified(token, audience="https://api.powerplatform.com"):
    """The claims, when the signature is right by the keys of the tenant."""
    metadata = session().get(f"{AUTHORITY}/.well-known/openid-configuration", timeout=20).json()
    keys = session().get(metadata["jwks_uri"], timeout=20).json()["keys"]
    kid = jwt.get_unverified_header(token)["kid"]
    key = jwt.PyJWK(next(key for key in keys if key["kid"] == kid)).key
    return jwt.decode(token, key, algorithms=["RS256"], audience=audience, issuer=metadata["issuer"])


def confidential(credential, client="secret"):
    return msal.ConfidentialClientApplication(
        FACTS[client], authority=AUTHORITY, client_credential=credential,
        instance_discovery=False, http_client=session())


def public(client="public", **more):
    return msal.PublicClientApplication(
        FACTS[client], authority=AUTHORITY, instance_discovery=False, **{"http_client": session()} | more)


def granted(answer):
    assert "access_token" in answer, f"{answer.get('error')}: {answer.get('error_description', '')[:120]}"
    return answer["access_token"]


def refused(answer, code):
    assert code in answer.get("error_codes", []), f"wanted {code}, got {answer.get('error_description', answer)}"


def raises(code, function):
    try:
        function()
    except ClientAuthenticationError as error:
        assert f"AADSTS{code}" in str(error), str(error)[:160]
        return
    raise AssertionError("a token was issued")


def identity():
    transport = RequestsTransport(session=session(), session_owner=False, connection_verify=READY["ca_file"])
    return {"authority": BASE, "disable_instance_discovery": True, "transport": transport}


@case
def msal_gets_a_token_by_secret():
    claims = verified(granted(confidential(FACTS["value"]).acquire_token_for_client([SCOPE])))
    assert claims["appid"] == FACTS["secret"] and claims["idtyp"] == "app" and "scp" not in claims


@case
def msal_is_refused_a_wrong_secret():
    refused(confidential("wrong").acquire_token_for_client([SCOPE]), 7000215)


@case
def msal_is_refused_an_expired_secret():
    refused(confidential(FACTS["expired"]).acquire_token_for_client([SCOPE]), 7000222)


@case
def msal_gets_a_token_by_certificate():
    credential = {"private_key": FACTS["key"], "public_certificate": FACTS["certificate"]}
    assert verified(granted(confidential(credential, "cert").acquire_token_for_client([SCOPE])))["appidacr"] == "2"


@case
def msal_is_refused_a_foreign_certificate():
    credential = {"private_key": FACTS["other_key"], "public_certificate": FACTS["other_certificate"]}
    refused(confidential(credential, "cert").acquire_token_for_client([SCOPE]), 700027)


@case
def msal_gets_a_token_by_password():
    answer = public().acquire_token_by_username_password(FACTS["user"], FACTS["password"], [SCOPE])
    claims = verified(granted(answer))
    assert claims["upn"] == FACTS["user"] and "AppManagement.ApplicationPackages.Read" in claims["scp"]


@case
def msal_is_refused_a_wrong_password():
    refused(public().acquire_token_by_username_password(FACTS["user"], "Wrong-horse-9", [SCOPE]), 50126)


@case
def msal_is_refused_a_password_where_a_second_factor_is_registered():
    refused(public().acquire_token_by_username_password(FACTS["mfa"], FACTS["password"], [SCOPE]), 50076)


@case
def msal_is_refused_a_password_while_the_public_client_is_off():
    refused(public("secret").acquire_token_by_username_password(FACTS["user"], FACTS["password"], [SCOPE]), 7000218)


@case
def msal_finds_short_and_full_names_of_scopes_in_the_cache():
    sent, http = [], session()
    http.hooks["response"].append(lambda answer, **_: sent.append(answer.request.body))
    application = public(http_client=http)

    def cached(scope, token):
        del sent[:]
        account, = application.get_accounts()
        found = application.acquire_token_silent([scope], account)
        assert found and found["access_token"] == token and not sent, f"{scope} is not in the cache: {sent}"

    for scope in ["User.Read", "https://graph.microsoft.com/User.Read"]:
        answer = application.acquire_token_by_username_password(FACTS["user"], FACTS["password"], [scope])
        token = granted(answer)
        assert scope in answer["scope"].split(), answer["scope"]
        cached(scope, token)
    account, = application.get_accounts()
    refused(application.acquire_token_silent_with_error(["Application.Read.All"], account), 65001)


@case
def azure_identity_gets_a_token_by_secret():
    verified(ClientSecretCredential(TENANT, FACTS["secret"], FACTS["value"], **identity()).get_token(SCOPE).token)


@case
def azure_identity_is_refused_a_wrong_secret():
    raises(7000215, lambda: ClientSecretCredential(TENANT, FACTS["secret"], "wrong", **identity()).get_token(SCOPE))


@case
def azure_identity_gets_a_token_by_certificate():
    pem = (FACTS["key"] + FACTS["certificate"]).encode()
    credential = CertificateCredential(TENANT, FACTS["cert"], certificate_data=pem, **identity())
    verified(credential.get_token(SCOPE).token)


@case
def azure_identity_gets_a_token_by_password_and_is_refused_a_wrong_one():
    def credential(password):
        return UsernamePasswordCredential(FACTS["public"], FACTS["user"], password, tenant_id=TENANT, **identity())
    verified(credential(FACTS["password"]).get_token(SCOPE).token)
    raises(50126, lambda: credential("Wrong-horse-9").get_token(SCOPE))


class Form(html.parser.HTMLParser):
    """The hidden fields of a page's form, and where it is posted."""

    def __init__(self, text):
        super().__init__()
        self.fields, self.action = {}, None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        named = dict(attrs)
        if tag == "form":
            self.action = named["action"]
        if tag == "input" and named.get("type") == "hidden":
            self.fields[named["name"]] = named["value"]


def answer_device(uri, code, answer):
    """What somebody does in a browser for a device: code, account, password, yes or no."""
    browser = session()
    page = browser.get(uri, timeout=20).text
    for typed in [{"user_code": code}, {"username": FACTS["user"]}, {"passwd": FACTS["password"]}, {"answer": answer}]:
        form = Form(page)
        url = urllib.parse.urljoin(BASE, form.action)
        page = browser.post(url, data=form.fields | typed, headers={"Origin": BASE}, timeout=20).text
    assert "You may close this window" in page, page[-300:]


def device(answer):
    def prompt(uri, code, _):
        threading.Thread(target=answer_device, args=(uri, code, answer), daemon=True).start()
    return DeviceCodeCredential(FACTS["public"], tenant_id=TENANT, prompt_callback=prompt, timeout=60, **identity())


@case
def azure_identity_lets_a_device_in():
    claims = verified(device("yes").get_token(SCOPE).token)
    assert claims["upn"] == FACTS["user"] and "AppManagement.ApplicationPackages.Read" in claims["scp"]


@case
def azure_identity_is_told_that_a_device_was_declined():
    raises(65004, lambda: device("no").get_token(SCOPE))


class Issuer:
    """An outside issuer of tokens for workloads, on this machine."""

    def __init__(self):
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        jwk = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key()))
        self.name = FACTS["issuer"]
        pages = {
            "/.well-known/openid-configuration": {"issuer": self.name, "jwks_uri": f"{self.name}/keys"},
            "/keys": {"keys": [jwk | {"kid": "workload", "use": "sig"}]},
        }

        class Pages(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200 if self.path in pages else 404)
                self.send_header("content-type", "application/json")
                self.end_headers()
                self.wfile.write(json.dumps(pages.get(self.path, {})).encode())

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pages, bind_and_activate=False)
        # Its port is part of its name, so the listening socket was handed over.
        self.server.socket.close()
        self.server.socket = socket.socket(fileno=0)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def credential(self, **other):
        """A credential that reads such a token from a file, as it lies in a workload."""
        now = int(time.time())
        told = {"iss": self.name, "sub": "workload", "aud": "api://AzureADTokenExchange", "iat": now, "exp": now + 600}
        with tempfile.NamedTemporaryFile("w", dir=os.path.dirname(sys.argv[2]), delete=False) as file:
            file.write(jwt.encode(told | other, self.key, "RS256", headers={"kid": "workload"}))
        return WorkloadIdentityCredential(
            tenant_id=TENANT, client_id=FACTS["federated"], token_file_path=file.name, **identity())


ISSUER = Issuer()


@case
def azure_identity_gets_a_token_for_a_workload():
    claims = verified(ISSUER.credential().get_token(SCOPE).token)
    assert claims["appid"] == FACTS["federated"] and claims["idtyp"] == "app" and claims["appidacr"] == "2"


@case
def azure_identity_is_refused_another_workload():
    raises(700213, lambda: ISSUER.credential(sub="another").get_token(SCOPE))


@case
def azure_identity_is_refused_another_audience():
    raises(7002121, lambda: ISSUER.credential(aud="api://another").get_token(SCOPE))


@case
def azure_identity_is_refused_a_workload_of_another_issuer():
    raises(700211, lambda: ISSUER.credential(iss="https://issuer.example").get_token(SCOPE))


@case
def msal_with_a_capability_gets_a_token_for_most_of_a_day():
    def life(**more):
        claims = verified(granted(
            public(**more).acquire_token_by_username_password(FACTS["user"], FACTS["password"], [SCOPE])))
        return claims["exp"] - claims["iat"] - 300, claims.get("xms_cc")
    assert life()[0] <= 5400 and life()[1] is None
    seconds, capabilities = life(client_capabilities=["CP1"])
    assert 72000 <= seconds <= 86400 and capabilities == ["cp1"], (seconds, capabilities)


class Statuses(SansIOHTTPPolicy):
    """What the server answered before the policies above made something of it."""

    def __init__(self):
        self.seen = []

    def on_response(self, request, response):
        self.seen.append(response.http_response.status_code)


@case
def azure_core_answers_a_claims_challenge():
    def calls(**more):
        credential = UsernamePasswordCredential(
            AZURE_CLI, FACTS["user"], FACTS["password"], tenant_id=TENANT, **identity())
        statuses = Statuses()
        client = PipelineClient(
            ME, policies=[BearerTokenCredentialPolicy(credential, GRAPH, **more), statuses],
            transport=identity()["transport"])
        assert client.send_request(HttpRequest("GET", ME)).status_code == 200
        token = credential.get_token(GRAPH).token
        revoked = session().post(
            f"{ME}/revokeSignInSessions", headers={"Authorization": f"Bearer {token}"}, timeout=20)
        assert revoked.status_code == 200, revoked.text
        client.send_request(HttpRequest("GET", ME))
        return statuses.seen
    assert calls(enable_cae=True) == [200, 401, 200]
    assert calls() == [200, 401], "without the capability there is no challenge to answer"


@case
def pyjwt_refuses_a_changed_token():
    token = granted(confidential(FACTS["value"]).acquire_token_for_client([SCOPE]))
    head, body, signature = token.split(".")
    try:
        verified(f"{head}.{body[:-2]}AA.{signature}")
    except jwt.InvalidTokenError:
        return
    raise AssertionError("a changed token passed")


failed = 0
for function in CASES:
    try:
        function()
        print(f"PASS {function.__name__}", flush=True)
    except Exception as error:  # a witness tells what it saw, whatever it is
        failed += 1
        print(f"FAIL {function.__name__}: {type(error).__name__}: {error}", flush=True)
sys.exit(1 if failed else 0)
