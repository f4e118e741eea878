"""What keys look like: the prefixes that vendors give their secrets, and what may follow. Data.

A form is (what it is, the prefix that betrays it, what follows as a regular expression). The prefix is public and stays
when a secret is masked. What follows has to hold a letter and a digit, unless the form says ``PLAIN``, so that words
(``sk-learn``) are no keys. `detectors` reads this table.
"""

from __future__ import annotations

from streamlab.record import Record


class KeyForm(Record, frozen=True):
    """One form: ``kind`` is said to people; ``plain`` lets a tail without letters or digits count."""

    kind: str
    prefix: str
    tail: str
    plain: bool = False


_W = "[A-Za-z0-9_-]"
_A = "[A-Za-z0-9]"
_HEX = "[0-9a-fA-F]"


def _many(kind: str, prefixes: str, tail: str) -> tuple[KeyForm, ...]:
    return tuple(KeyForm(kind, prefix, tail) for prefix in prefixes.split())


#: Those of model vendors and gateways first, then those that prompts, tools and logs carry.
FORMS: tuple[KeyForm, ...] = (
    *_many("API key", "sk-proj- sk-svcacct- sk-admin- sk-ant-api03- sk-ant-oat01- sk-or-v1- sk-lf-", f"{_W}{{16,}}"),
    *_many("API key", "sk- pk-lf- xai- pplx- nvapi- csk- sess- tvly- jina-", f"{_W}{{16,}}"),
    *_many("API key", "sk_ gsk_ r8_ fw_ csk_ ek_ e2b_ jina_ pcsk_ tgp_v1_ lsv2_pt_ lsv2_sk_", f"{_W}{{16,}}"),
    *_many("API key", "vck_ rpa_ wandb_v1_ phx_ bce-v3/", "[A-Za-z0-9_/-]{20,}"),
    *_many("Hugging Face token", "hf_ api_org_", f"{_A}{{20,}}"),
    *_many("Google API key", "AIza", f"{_W}{{30,}}"),
    *_many("Google API key", "AQ.Ab", f"{_W}{{30,}}"),
    *_many("Google OAuth token", "ya29. 1//0 GOCSPX-", r"[A-Za-z0-9_.-]{16,}"),
    *_many("AWS access key", "AKIA ASIA ABIA ACCA", "[A-Z0-9]{16}"),
    *_many("AWS Bedrock key", "ABSK bedrock-api-key-", "[A-Za-z0-9+/=]{40,}"),
    *_many("GitHub token", "ghp_ gho_ ghu_ ghs_ ghr_", f"{_A}{{20,}}"),
    *_many("GitHub token", "github_pat_", "[A-Za-z0-9_]{20,}"),
    *_many("GitLab token", "glpat- gldt- glrt- glptt- glcbt- glsoat- glimt- glft- glagent-", r"[A-Za-z0-9_.-]{16,}"),
    *_many("Slack token", "xoxb- xoxp- xoxa- xoxr- xoxs- xoxe- xoxe.xoxp- xapp- xwfp-", f"{_W}{{10,}}"),
    *_many("Stripe key", "sk_live_ sk_test_ rk_live_ rk_test_ pk_live_ pk_test_ whsec_", f"{_A}{{16,}}"),
    *_many("Twilio key", "SK", "[0-9a-f]{32}"),
    *_many("SendGrid key", "SG.", r"[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}"),
    *_many("npm token", "npm_", f"{_A}{{30,}}"),
    *_many("PyPI token", "pypi-AgEI", f"{_W}{{30,}}"),
    *_many("package token", "rubygems_ oy2 cio CLOJARS_", "[a-z0-9]{40,}"),
    *_many("Databricks token", "dapi", f"{_HEX}{{32}}(?:-\\d)?"),
    *_many("DigitalOcean token", "dop_v1_ doo_v1_ dor_v1_", f"{_HEX}{{64}}"),
    *_many("Docker token", "dckr_pat_ dckr_oat_", f"{_W}{{20,}}"),
    *_many("Shopify token", "shpat_ shpss_ shpca_ shppa_", f"{_HEX}{{32}}"),
    *_many("Notion token", "ntn_ secret_", f"{_A}{{40,}}"),
    *_many("token", "lin_api_ figd_ sntrys_ sntryu_ sbp_ sb_secret_ pul- rdme_ CFPAT- NRAK- PMAK-", f"{_W}{{20,}}"),
    *_many(
        "token", "glsa_ glc_ hvs. hvb. atlasv1. dt0c01. pscale_tkn_ pscale_pw_ fo1_ fm2_", r"[A-Za-z0-9_.=+/-]{20,}"
    ),
    *_many("Atlassian token", "ATATT3 ATCTT3 ATBB", r"[A-Za-z0-9_=-]{20,}"),
    *_many("Square token", "sq0atp- sq0csp- sq0idp-", f"{_W}{{20,}}"),
    *_many("Airtable token", "pat", rf"{_A}{{14}}\.[0-9a-f]{{64}}"),
    *_many("token", "dp.pt. dp.st. dp.ct. dp.sa. dp.scim. dp.audit.", f"{_A}{{36,}}"),
    *_many("token", "tskey-auth- tskey-api- tskey-client- bkua_ nfp_ sgp_ vcp_ vci_ vca_ vcr_", f"{_W}{{20,}}"),
    *_many(
        "token", "pat-na1- pat-eu1- key- fc-", f"(?:{_HEX}{{32}}|{_HEX}{{8}}(?:-{_HEX}{{4}}){{3}}-{_HEX}{{12}})(?!{_W})"
    ),
    *_many("API key", "pa-", f"{_W}{{43}}(?!{_W})"),
    *_many("Cloudflare token", "v1.0-", f"{_HEX}{{24}}-{_HEX}{{100,}}"),
    *_many("Discord token", "MT Mj Mz ND NT Nj Nz OD OT", rf"{_W}{{21,26}}\.{_W}{{6}}\.{_W}{{27,38}}"),
    *_many(
        "webhook", "hooks.slack.com/services/ hooks.slack.com/workflows/ hooks.slack.com/triggers/", "[A-Za-z0-9/]{30,}"
    ),
    *_many("webhook", "discord.com/api/webhooks/ discordapp.com/api/webhooks/", rf"\d{{15,}}/{_W}{{60,}}"),
    *_many("age key", "AGE-SECRET-KEY-1", "[A-Z0-9]{50,}"),
    *_many("1Password token", "ops_eyJ", r"[A-Za-z0-9_=+/-]{40,}"),
    *_many("JSON web token", "eyJ", r"[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{4,}(?:\.[A-Za-z0-9_-]*)+"),
    *_many("connection string", "AccountKey= SharedAccessKey= SharedAccessSignature=", r"[A-Za-z0-9+/=%&.:_-]{20,}"),
    KeyForm("Telegram token", ":AA", f"{_W}{{32,34}}"),
    KeyForm(
        "private key",
        "-----BEGIN",
        r"[A-Z ]{0,20} ?PRIVATE KEY(?: BLOCK)?-----[A-Za-z0-9+/=\s\\:,.-]{20,}?(?:-----END|\Z)",
        True,
    ),
)
