import type { CredentialDeclaration } from "../../credentials/credentials.ts";

export interface Snippet {
  readonly id: string;
  readonly title: string;
  readonly text: string;
}

/** Names of config vars, never values. `url` is absent where the product declares no address. */
interface Names {
  readonly key: string;
  readonly url: string | undefined;
}

const PLACEHOLDER = "https://address.in.the.documentation";

/** First requests in six languages, with the config vars' names; none for a product that issues no key. */
export function snippetsFor(declarations: readonly CredentialDeclaration[]): readonly Snippet[] {
  const key = declarations.find(({ kind }) => kind === "api-key")?.name;
  const url = declarations.find(({ kind }) => kind === "url")?.name;
  if (key === undefined) return [];
  const names = { key, url };
  return [
    { id: "curl", title: "curl", text: curl(names) },
    { id: "node", title: "Node", text: node(names) },
    { id: "python", title: "Python", text: python(names) },
    { id: "ruby", title: "Ruby", text: ruby(names) },
    { id: "java", title: "Java", text: java(names) },
    { id: "go", title: "Go", text: go(names) },
    { id: "env", title: ".env", text: [key, url].map((name) => name && `${name}=\n`).join("") },
  ];
}

function curl({ key, url }: Names): string {
  return `curl "${url === undefined ? PLACEHOLDER : `$${url}`}" \\
  --header "Authorization: Bearer $${key}"`;
}

function node({ key, url }: Names): string {
  const address = url === undefined ? `"${PLACEHOLDER}"` : `process.env.${url}`;
  return `const response = await fetch(${address}, {
  headers: {
    Authorization: \`Bearer \${process.env.${key}}\`,
  },
});
console.log(response.status);`;
}

function python({ key, url }: Names): string {
  const address = url === undefined ? `"${PLACEHOLDER}"` : `os.environ["${url}"]`;
  return `import os
from urllib.request import Request, urlopen

request = Request(
    ${address},
    headers={"Authorization": f"Bearer {os.environ['${key}']}"},
)
with urlopen(request) as response:
    print(response.status)`;
}

function ruby({ key, url }: Names): string {
  const address = url === undefined ? `"${PLACEHOLDER}"` : `ENV.fetch("${url}")`;
  return `require "net/http"

response = Net::HTTP.get_response(
  URI(${address}),
  "Authorization" => "Bearer #{ENV.fetch("${key}")}"
)
puts response.code`;
}

function java({ key, url }: Names): string {
  const address = url === undefined ? `"${PLACEHOLDER}"` : `System.getenv("${url}")`;
  return `import java.net.URI;
import java.net.http.*;

var request = HttpRequest.newBuilder(URI.create(${address}))
    .header("Authorization", "Bearer " + System.getenv("${key}"))
    .build();
var response = HttpClient.newHttpClient()
    .send(request, HttpResponse.BodyHandlers.ofString());
System.out.println(response.statusCode());`;
}

function go({ key, url }: Names): string {
  const address = url === undefined ? `"${PLACEHOLDER}"` : `os.Getenv("${url}")`;
  return `request, err := http.NewRequest("GET", ${address}, nil)
if err != nil {
	log.Fatal(err)
}
request.Header.Set("Authorization", "Bearer "+os.Getenv("${key}"))

response, err := http.DefaultClient.Do(request)
if err != nil {
	log.Fatal(err)
}
fmt.Println(response.Status)`;
}
