// Sign in at the sandbox with Stytch's own Node SDK, and write every answer as one JSON line.
import { createHmac } from "node:crypto";
import { writeSync } from "node:fs";
import stytch from "stytch";

const { url, project_id, secret, public_token } = JSON.parse(process.argv[2]);
const client = new stytch.B2BClient({ project_id, secret, env: `${url}/` });
const LANDING = "http://127.0.0.1:3000/authenticate";
const PHONE = "+15005550006";
const ADA = "ada@acme.example";

async function call(path, parameters) {
  const names = path.split(".");
  const method = names.pop();
  const owner = names.reduce((found, name) => found[name], client);
  const answer = await owner[method](parameters);
  writeSync(1, `${JSON.stringify({ path, answer })}\n`);
  return answer;
}

async function control(path, body) {
  const options = body && { method: "POST", body: JSON.stringify(body) };
  const answer = await fetch(`${url}/_sandbox${path}`, options);
  if (!answer.ok) throw new Error(`${path}: ${await answer.text()}`);
  return answer.json();
}

async function readMail(to) {
  return (await control(`/inbox?email=${encodeURIComponent(to)}`)).mails[0];
}

async function signInAtProvider(path, email, query) {
  const started = await fetch(`${url}${path}?${new URLSearchParams({ public_token, ...query })}`, { redirect: "manual" });
  const body = new URLSearchParams({ email, name: "Ada", email_verified: "true" });
  const done = await fetch(started.headers.get("location"), { method: "POST", body, redirect: "manual" });
  return new URL(done.headers.get("location")).searchParams.get("token");
}

function computeCode(base32, later = 0) {
  const bits = [...base32].map((letter) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(letter).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30000) + later));
  const digest = createHmac("sha1", key).update(counter).digest();
  const number = digest.readUInt32BE(digest[19] & 15) & 0x7fffffff;
  return String(number % 1e6).padStart(6, "0");
}

async function discover() {
  await call("magicLinks.email.discovery.send", { email_address: ADA });
  const { token } = await readMail(ADA);
  const found = await call("magicLinks.discovery.authenticate", { discovery_magic_links_token: token });
  const session = await call("discovery.organizations.create", {
    intermediate_session_token: found.intermediate_session_token, organization_name: "Acme", organization_slug: "acme",
  });
  await call("otps.email.discovery.send", { email_address: ADA });
  const { code } = await readMail(ADA);
  const again = await call("otps.email.discovery.authenticate", { email_address: ADA, code });
  const token_ = again.intermediate_session_token;
  await call("discovery.organizations.list", { intermediate_session_token: token_ });
  await call("discovery.intermediateSessions.exchange", {
    intermediate_session_token: token_, organization_id: session.organization.organization_id,
  });
  return session;
}

async function manageMembers(organization_id) {
  await call("organizations.get", { organization_id });
  await call("organizations.update", { organization_id, organization_name: "Acme Inc." });
  await call("organizations.search", {});
  const { member_id } = await call("organizations.members.create", { organization_id, email_address: "grace@acme.example" });
  await call("organizations.members.get", { organization_id, member_id });
  await call("organizations.members.dangerouslyGet", { member_id });
  await call("organizations.members.update", { organization_id, member_id, name: "Grace" });
  await call("organizations.members.search", { organization_ids: [organization_id] });
  await call("organizations.members.delete", { organization_id, member_id });
  await call("magicLinks.email.loginOrSignup", { organization_id, email_address: ADA });
  await call("magicLinks.authenticate", { magic_links_token: (await readMail(ADA)).token });
  await call("magicLinks.email.invite", { organization_id, email_address: "vic@acme.example" });
  await call("magicLinks.authenticate", { magic_links_token: (await readMail("vic@acme.example")).token });
}

async function useSessions({ session_token, session_jwt, organization_id, member_id }) {
  await call("sessions.authenticate", { session_token, session_duration_minutes: 60 });
  await call("sessions.authenticateJwt", { session_jwt });
  await call("sessions.get", { organization_id, member_id });
  await call("sessions.getJWKS", { project_id });
  const other = await call("organizations.create", { organization_name: "Other" });
  await call("organizations.members.create", { organization_id: other.organization.organization_id, email_address: ADA });
  const switched = await call("sessions.exchange", { session_token, organization_id: other.organization.organization_id });
  await call("sessions.revoke", { session_token: switched.session_token });
  await call("organizations.delete", { organization_id: other.organization.organization_id });
}

async function useProviders(organization_id) {
  const discovery = await signInAtProvider("/v1/b2b/public/oauth/google/discovery/start", ADA, { discovery_redirect_url: LANDING });
  await call("oauth.discovery.authenticate", { discovery_oauth_token: discovery });
  const direct = await signInAtProvider("/v1/b2b/public/oauth/github/start", ADA, { organization_id, login_redirect_url: LANDING });
  await call("oauth.authenticate", { oauth_token: direct });
  const pending = await call("sso.oidc.createConnection", { organization_id, display_name: "Not ready" });
  await call("sso.saml.createConnection", { organization_id });
  const { connection_id } = await control("/stytch/connections", { organization_id, display_name: "Okta" });
  await call("sso.getConnections", { organization_id });
  const sso_token = await signInAtProvider("/v1/public/sso/start", ADA, { connection_id, login_redirect_url: LANDING });
  await call("sso.authenticate", { sso_token });
  await call("sso.deleteConnection", { organization_id, connection_id: pending.connection.connection_id });
}

async function useSecondFactors({ organization_id, member_id }) {
  const who = { organization_id, member_id };
  await call("organizations.update", { organization_id, mfa_policy: "REQUIRED_FOR_ALL" });
  const begin = async () => {
    await call("otps.email.loginOrSignup", { organization_id, email_address: ADA });
    const { code } = await readMail(ADA);
    const answer = await call("otps.email.authenticate", { organization_id, email_address: ADA, code });
    if (answer.member_authenticated || !answer.mfa_required) throw new Error("no second factor was asked for");
    return answer.intermediate_session_token;
  };
  const first = await begin();
  const app = await call("totps.create", { ...who, intermediate_session_token: first });
  const signed = await call("totps.authenticate", { ...who, code: computeCode(app.secret), intermediate_session_token: first });
  await call("recoveryCodes.get", who);
  await call("recoveryCodes.recover", { ...who, recovery_code: app.recovery_codes[0], intermediate_session_token: await begin() });
  const { session_token } = signed;
  await call("otps.sms.send", { ...who, mfa_phone_number: PHONE, session_token });
  await call("otps.sms.authenticate", { ...who, code: (await readMail(PHONE)).code, session_token });
}

const session = await discover();
const { organization_id } = session.organization;
await manageMembers(organization_id);
await useSessions({ ...session, organization_id });
await useProviders(organization_id);
await useSecondFactors({ ...session, organization_id });
