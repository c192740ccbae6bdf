"""Turns the SAM template into plain CloudFormation, as AWS does when it deploys it.

usage: python transform.py TEMPLATE [--table]

Prints JSON: the template, or with --table what CreateTable takes, less the table's name. Needs aws-sam-translator,
which comes with aws-sam-cli.
"""

import json
import os
import sys

from samtranslator.translator.managed_policy_translator import ManagedPolicyLoader
from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

# What a local DynamoDB and the real one both take; protections are settings of the stack.
TABLE = ["AttributeDefinitions", "KeySchema", "BillingMode", "StreamSpecification"]


def plain(path):
    with open(path, encoding="utf-8") as file:
        template = yaml_parse(file)
    for name, resource in template["Resources"].items():
        if resource["Type"] == "AWS::Serverless::Function":
            # Packaging puts the code into a bucket; where does not matter here.
            resource["Properties"]["CodeUri"] = {"Bucket": "packages", "Key": f"{name.lower()}.zip"}
    parameters = {name: value["Default"] for name, value in template["Parameters"].items()}
    return transform(template, parameters, ManagedPolicyLoader(None))


def table(template):
    properties = template["Resources"]["Table"]["Properties"]
    definition = {name: properties[name] for name in TABLE}
    definition["StreamSpecification"] = {"StreamEnabled": True, **definition["StreamSpecification"]}
    return definition


if __name__ == "__main__":
    # The translator asks for a region to know the partition's name.
    os.environ.setdefault("AWS_DEFAULT_REGION", "eu-west-1")
    result = plain(sys.argv[1])
    json.dump(table(result) if "--table" in sys.argv[2:] else result, sys.stdout, indent=2)
