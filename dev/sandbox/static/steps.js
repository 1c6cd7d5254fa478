// Send the API calls shown on a page, and keep the values that later calls need in sessionStorage.

const known = JSON.parse(sessionStorage.getItem("known") || "{}");
const steps = [...document.querySelectorAll(".step")];
const commands = new Map(steps.map((step) => [step, step.querySelector("pre").textContent]));

function fill(text, { longest = Infinity } = {}) {
  const shorten = (value) => (value.length > longest ? `${value.slice(0, 12)}…` : value);
  return text.replace(/\{(\w+)\}/g, (name, key) => (known[key] ? shorten(known[key]) : name));
}

function isMet(note) {
  return note.dataset.requires.split(" ").every((name) => known[name]);
}

function show() {
  for (const [step, command] of commands) {
    step.querySelector("pre").textContent = fill(command, { longest: 60 });
    step.querySelector("[data-copy]").dataset.copy = fill(command);  // not shortened
  }
  for (const note of document.querySelectorAll("[data-requires]")) note.hidden = isMet(note);
  const signedIn = document.querySelector("[data-signed-in]");
  if (!signedIn) return;
  document.querySelector("[data-signed-out]").hidden = Boolean(known.session_jwt);
  signedIn.hidden = !known.member;
  signedIn.querySelector("strong").textContent = known.member;
}

function storeValues(answer) {
  for (const key of ["intermediate_session_token", "member_id", "session_token", "session_jwt"]) {
    if (answer[key]) known[key] = answer[key];
  }
  if (answer.organization?.slug) known.slug = answer.organization.slug;
  if (answer.member) known.member = `${answer.member.email}, ${answer.member.role} of ${answer.organization.name}`;
  if (answer.code === "mfa_required") known.organization_id = answer.organization.id;
  if (answer.organizations?.length) known.organization_id = answer.organizations[0].id;
  const prices = (answer.results ?? []).flatMap((plan) => plan.prices ?? []);
  if (prices.length) known.price_id = prices[0].id;
  sessionStorage.setItem("known", JSON.stringify(known));
}

async function run(step) {
  const { method, url, body, session } = step.dataset;
  if (body?.includes("{code}")) known.code = prompt("The code") ?? "";
  const headers = {};
  if (session) headers.Authorization = `Bearer ${known.session_jwt ?? ""}`;
  if (body) headers["Content-Type"] = "application/json";
  const answer = await fetch(fill(url), { method, headers, body: body && fill(body) });
  const text = await answer.text();
  let content = text;
  try { content = JSON.parse(text || "{}"); } catch { /* not JSON: shown as text */ }
  if (answer.ok || content.code === "mfa_required") storeValues(content);
  return { status: answer.status, content };
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-run]");
  if (!button) return;
  const step = button.closest(".step");
  const [status, output, open] = ["status", "answer", "open"].map((name) => step.querySelector(`[data-${name}]`));
  const missing = [...step.querySelectorAll("[data-requires]")].find((note) => !isMet(note));
  if (missing) {
    status.textContent = missing.textContent;
    return;
  }
  button.disabled = true;
  try {
    const { status: code, content } = await run(step);
    status.textContent = `HTTP ${code}`;
    output.textContent = typeof content === "string" ? content : JSON.stringify(content, null, 2);
    output.hidden = false;
    open.hidden = !content.url;
    if (content.url) open.href = content.url;
  } catch {
    status.textContent = "The API did not answer. Check that it runs and that this page has the address the sandbox was started with.";
  }
  button.disabled = false;
  show();
});

show();
