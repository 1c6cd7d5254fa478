/**
 * How a front end calls this API with generated types. `make schema` makes `./openapi` from
 * openapi.yaml and compiles this file strictly, so that whatever it uses exists.
 */
import createClient, { type Middleware } from "openapi-fetch";
import type { components, paths } from "./openapi";

type Schemas = components["schemas"];
type Session = Schemas["Session"];
type Member = Schemas["Member"];
type Problem = Schemas["Problem"] | Schemas["ValidationProblem"];

/** A refusal, thrown; `problem.code` is what to branch on. */
export class Refused extends Error {
  constructor(readonly problem: Problem) {
    super(problem.detail);
  }

  /** The message for one field of a form, by its JSON pointer. */
  about(pointer: string): string | undefined {
    if (!("errors" in this.problem)) return undefined;
    return this.problem.errors.find((error) => error.pointer === pointer)?.detail;
  }
}

/** The answer's body, or the refusal as an exception. */
function unwrap<Body>(answer: { data?: Body; error?: Problem }): Body {
  if (answer.error !== undefined) throw new Refused(answer.error);
  return answer.data as Body;
}

export class Tenantry {
  private session: Session | undefined;
  private readonly http;

  constructor(baseUrl: string) {
    const bearer: Middleware = {
      onRequest: ({ request }) => {
        if (this.session) request.headers.set("Authorization", `Bearer ${this.session.session_jwt}`);
        return request;
      },
    };
    this.http = createClient<paths>({ baseUrl });
    this.http.use(bearer);
  }

  async mailLink(email: string): Promise<void> {
    unwrap(await this.http.POST("/v1/auth/magic-links", { body: { email } }));
  }

  /** With the token of the mailed link: into the first organization that is open to the address. */
  async signIn(token: string): Promise<Session | undefined> {
    const found = unwrap(await this.http.POST("/v1/auth/discovery", { body: { token } }));
    const place = found.organizations.find(({ membership }) => membership === "active");
    if (place === undefined) return undefined;
    const { intermediate_session_token } = found;
    this.session = unwrap(
      await this.http.POST("/v1/auth/sessions", {
        body: { intermediate_session_token, organization_id: place.id },
      }),
    );
    return this.session;
  }

  /** A session JWT is good for five minutes. */
  async refresh({ session_token }: Session): Promise<void> {
    this.session = unwrap(
      await this.http.POST("/v1/auth/sessions/refresh", { body: { session_token } }),
    );
  }

  /** Every active member, page by page. */
  async *members(slug: string): AsyncGenerator<Member> {
    let cursor: string | null = null;
    do {
      const query = { status: "active", ordering: "email", limit: 200 } as const;
      const page: Schemas["MemberPage"] = unwrap(
        await this.http.GET("/v1/organizations/{slug}/members", {
          params: { path: { slug }, query: { ...query, ...(cursor && { cursor }) } },
        }),
      );
      yield* page.results;
      cursor = page.next && new URL(page.next).searchParams.get("cursor");
    } while (cursor);
  }

  async invite(slug: string, email: string, role: Schemas["Role"]): Promise<Schemas["Invitation"]> {
    const params = { path: { slug } };
    return unwrap(
      await this.http.POST("/v1/organizations/{slug}/invitations", { params, body: { email, role } }),
    );
  }

  /** How many seats are free; null when the plan has no maximum. */
  async freeSeats(slug: string): Promise<number | null> {
    const params = { path: { slug } };
    const seats = unwrap(await this.http.GET("/v1/organizations/{slug}/billing/seats", { params }));
    return seats.maximum === null ? null : seats.maximum - seats.counted - seats.reserved;
  }
}

/** What a form does with a refusal. */
export async function inviteFrom(form: { email: string }, api: Tenantry, slug: string) {
  try {
    return { invited: await api.invite(slug, form.email, "member") };
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    if (error.problem.code === "seat_limit_reached") return { upgrade: true };
    return { message: error.about("/email") ?? error.message };
  }
}
