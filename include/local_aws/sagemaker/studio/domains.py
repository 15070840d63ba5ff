"""Studio domains."""

from __future__ import annotations

import secrets
import string

from local_aws.errors import in_use
from local_aws.execution.lifecycle import Lifecycle
from local_aws.sagemaker.listing import page
from local_aws.sagemaker.registry import Call, Params, operation
from local_aws.sagemaker.studio import rules
from local_aws.sagemaker.studio.rules import DOMAIN, SPACE, USER_PROFILE

LIFECYCLE = Lifecycle(DOMAIN, "Status", rules.passing(30, 10, 10))
_DEFAULTS = {"AppNetworkAccessType": "PublicInternetOnly", "TagPropagation": "DISABLED"}
_SETTINGS = ("DefaultUserSettings", "DefaultSpaceSettings")


@operation("CreateDomain")
def create(call: Call, params: Params) -> Params:
    for member in _SETTINGS:
        rules.check_idle(params.get(member, {}))
    names = [domain["DomainName"] for domain in call.app.store.all(DOMAIN, call.region)]
    if params["DomainName"] in names:
        raise in_use(f"A Domain of the name {params['DomainName']} already exists.")
    letters = string.ascii_lowercase + string.digits
    domain_id = "d-" + "".join(secrets.choice(letters) for _ in range(12))
    known = {
        "DomainId": domain_id,
        "Url": f"https://{domain_id}.studio.{call.region}.sagemaker.aws",
    }
    return rules.create(call, LIFECYCLE, domain_id, _DEFAULTS | params, **known) | known


@operation("DescribeDomain")
def describe(call: Call, params: Params) -> Params:
    return rules.find(call, DOMAIN, params["DomainId"])


@operation("ListDomains")
def list_domains(call: Call, params: Params) -> Params:
    found, more = page(call.app.store.all(DOMAIN, call.region), params, name="DomainName")
    return {"Domains": found, **more}


@operation("UpdateDomain")
def update(call: Call, params: Params) -> Params:
    record = rules.find(call, DOMAIN, params["DomainId"])
    given = {k: v for k, v in params.items() if k not in ("DomainId", "DomainSettingsForUpdate")}
    if "DomainSettingsForUpdate" in params:
        given["DomainSettings"] = rules.updated(
            record.get("DomainSettings"), params["DomainSettingsForUpdate"]
        )
    for member in _SETTINGS:
        if member in params:
            given[member] = rules.updated(record.get(member), params[member])
            rules.check_idle(given[member])
    rules.update(call, LIFECYCLE, params["DomainId"], **given)
    return {"DomainArn": record["DomainArn"]}


@operation("DeleteDomain")
def delete(call: Call, params: Params) -> Params:
    record = rules.find(call, DOMAIN, params["DomainId"])
    for kind in (USER_PROFILE, SPACE):
        inside = [
            r for r in call.app.store.all(kind, call.region) if r["DomainId"] == record["DomainId"]
        ]
        rules.check_unused(call, DOMAIN, record, kind, inside)
    rules.delete(call, LIFECYCLE, params["DomainId"])
    return {}
