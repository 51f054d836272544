"""Holds api/openapi.yaml to the route table: same paths and methods, every reference resolves, every operation
says what it takes, what it answers and how it fails. Arguments: the api_routes_list program, openapi.yaml."""
import subprocess
import sys
import unittest

import yaml  # Debian package python3-yaml

PROGRAM, DESCRIPTION = sys.argv[1:3]
METHODS = {"get", "post", "put", "delete"}


def run(*arguments):
    return subprocess.run([PROGRAM, *arguments], check=True, capture_output=True, text=True).stdout


class OpenApiTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with open(DESCRIPTION, encoding="utf-8") as file:
            cls.text = file.read()
        cls.document = yaml.safe_load(cls.text)
        cls.routes = {(m, p): retry for m, p, retry in (line.split() for line in run().splitlines())}
        described = {(m, p): (item, item[m]) for p, item in cls.document["paths"].items() for m in METHODS & set(item)}
        cls.operations = {key: value for key, value in described.items() if "servers" not in value[0]}
        # Of the anonymous listeners: these paths name servers of their own.
        cls.public = {key: value for key, value in described.items() if "servers" in value[0]}

    def resolve(self, node):
        while isinstance(node, dict) and "$ref" in node:
            target = self.document
            for part in node["$ref"].removeprefix("#/").split("/"):
                target = target[part]
            node = target
        return node

    def test_paths_and_methods_are_those_of_the_route_table(self):
        self.assertEqual(set(self.routes), set(self.operations))

    def test_paths_with_servers_of_their_own_are_those_of_the_public_face_and_open_to_all(self):
        routes = {(m, p) for m, p, _ in (line.split() for line in run("public").splitlines())}
        self.assertEqual(routes - {("get", "/healthz")}, set(self.public))
        for key, (_, operation) in self.public.items():
            self.assertEqual([], operation["security"], key)
            for code, response in operation["responses"].items():
                self.assertTrue(self.resolve(response)["content"], (key, code))

    def test_the_served_text_is_the_file(self):
        self.assertEqual(run("text"), self.text)

    def test_every_reference_resolves(self):
        def walk(node):
            if isinstance(node, dict):
                if "$ref" in node:
                    self.resolve(node)
                for value in node.values():
                    walk(value)
            elif isinstance(node, list):
                for value in node:
                    walk(value)
        walk(self.document)

    def test_operation_ids_are_unique(self):
        ids = [operation["operationId"] for _, operation in (self.operations | self.public).values()]
        self.assertEqual(len(ids), len(set(ids)))

    def test_every_operation_names_its_failures_with_a_body(self):
        for (method, path), (_, operation) in self.operations.items():
            responses = operation["responses"]
            self.assertTrue(any(code.startswith("2") for code in responses), path)
            if path.startswith(("/csc/v2/credentials", "/csc/v2/signatures", "/v1/")):
                self.assertLessEqual({"401", "403", "500", "503"}, set(responses), (method, path))
            for code, response in responses.items():
                response = self.resolve(response)
                self.assertIn("description", response)
                if code != "204":
                    self.assertTrue(response["content"], (method, path, code))

    def test_errors_speak_the_words_of_their_part(self):
        for (_, path), (_, operation) in self.operations.items():
            for code, response in operation["responses"].items():
                if code[0] in "45" and path.startswith(("/csc/", "/v1/")):
                    kind = "application/json" if path.startswith("/csc/") else "application/problem+json"
                    self.assertEqual(list(self.resolve(response)["content"]), [kind], (path, code))

    def test_bodies_have_strict_schemas_and_examples_that_fit(self):
        for (method, path), (_, operation) in self.operations.items():
            if "requestBody" not in operation:
                self.assertNotIn(method, {"post", "put"}, path)
                continue
            content = operation["requestBody"]["content"]["application/json"]
            schema = self.resolve(content["schema"])
            self.assertIs(schema["additionalProperties"], False, path)
            self.assertLessEqual(set(content["example"]), set(schema["properties"]), path)
            self.assertLessEqual(set(schema.get("required", [])), set(content["example"]), path)

    def test_path_parameters_are_declared(self):
        for (_, path), (item, operation) in self.operations.items():
            declared = [self.resolve(p) for p in item.get("parameters", []) + operation.get("parameters", [])]
            names = {p["name"] for p in declared if p["in"] == "path"}
            self.assertEqual(names, {part[1:-1] for part in path.split("/") if part.startswith("{")}, path)

    def test_the_idempotency_key_is_declared_where_it_is_heeded(self):
        for key, (_, operation) in self.operations.items():
            declared = any(self.resolve(p)["name"] == "Idempotency-Key" for p in operation.get("parameters", []))
            self.assertEqual(declared, self.routes[key] == "idempotency-key", key)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=1)
