from effective_embeddings import CategoryUpdate, Client

with Client.embedded("./effemb-data") as client:
    client.create_namespace("notes", dimension=3, exist_ok=True)
    names = [CategoryUpdate("health", base=[1, 0, 0]), CategoryUpdate("work", base=[0, 1, 0])]
    client.put_categories("notes", names)
    gym = [0.2, 0.3, 0.9]
    print(client.match("notes", gym)[0].matches[0].category)  # work: the names know no better
    client.assign("notes", "gym", "health", gym)  # a person knows
    print(client.match("notes", gym)[0].matches[0].category)  # health, from now on
