"""Login by OpenID Connect for the pages: authorization code with PKCE, ID tokens checked here, sessions kept here."""
