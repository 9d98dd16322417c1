package config

import "fmt"

// placeOf says where the credential of the source at the path is configured, as the end
// of an error about a credential that is refused: the key, and the file or variable that
// it names.
func placeOf(path string, c Credential, client HTTPClient) string {
	at := path + ".http_client"
	place := func(key, file string) string {
		return fmt.Sprintf("it comes from %s.%s (the secret file %q)", at, key, file)
	}
	switch {
	case !c.IsZero():
		return fmt.Sprintf("it comes from %s (%s)", c.key, c)
	case client.Authorization != nil && client.Authorization.CredentialsFile != "":
		return place("authorization.credentials_file", client.Authorization.CredentialsFile)
	case client.BasicAuth != nil && client.BasicAuth.PasswordFile != "":
		return place("basic_auth.password_file", client.BasicAuth.PasswordFile)
	case client.OAuth2 != nil && client.OAuth2.ClientSecretFile != "":
		return place("oauth2.client_secret_file", client.OAuth2.ClientSecretFile)
	case hasCredential(client):
		return "it comes from " + at
	}
	return "none is configured; " + at + " may have one"
}
