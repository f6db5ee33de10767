// A login provider for bench/oidc_login.py: panva's certified oidc-provider with its own pages for logging in.
// Settings are a JSON object in SETTINGS: port, redirect, key (its name), algorithm, inToken, seconds.
import Provider from "oidc-provider";
import { generateKeyPairSync } from "node:crypto";

const given = JSON.parse(process.env.SETTINGS);
const people = {
  ann: { email: "ann@example.org", email_verified: true, groups: ["staff"] },
  boss: { email: "boss@example.org", email_verified: true, groups: ["staff"], realm_access: { roles: ["ml-platform"] } },
  eve: { email: "boss@example.org", email_verified: false, groups: ["others"] },
};

function key(kid, type, options, alg) {
  return { ...generateKeyPairSync(type, options).privateKey.export({ format: "jwk" }), kid, use: "sig", alg };
}

const provider = new Provider(`http://127.0.0.1:${given.port}`, {
  clients: [{
    client_id: "weighbridge",
    client_secret: "s3 cret/+%",
    redirect_uris: [given.redirect],
    id_token_signed_response_alg: given.algorithm,
  }],
  claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["groups", "realm_access"] },
  conformIdTokenClaims: !given.inToken,
  jwks: { keys: [
    key(given.key, "rsa", { modulusLength: 2048 }, "RS256"),
    key(`${given.key}-ec`, "ec", { namedCurve: "P-256" }, "ES256"),
  ] },
  cookies: { keys: ["only for this run"] },
  ttl: { IdToken: given.seconds },
  pkce: { required: () => true },
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, ...people[id] }) }),
});
provider.listen(given.port, "127.0.0.1", () => console.log("ready"));
