//! Ways in which roles could come to do more, or less, than they should.

use serde_json::{Value, json};

use crate::infra::Mutation;

pub const WIDER: [Mutation; 12] = [
    Mutation {
        name: "a recording role may update",
        edit: |template| allow(template, RECORDING, "dynamodb:UpdateItem", table_arn()),
    },
    Mutation {
        name: "a recording role may delete objects",
        edit: |template| {
            allow(
                template,
                RECORDING,
                "s3:DeleteObject",
                json!({"Fn::Sub": "${Bucket.Arn}/*"}),
            )
        },
    },
    Mutation {
        name: "a wildcard for an action",
        edit: |template| statements(template, RECORDING)[0]["Action"] = json!("dynamodb:Put*"),
    },
    Mutation {
        name: "a wildcard for a resource",
        edit: |template| statements(template, RECORDING)[1]["Resource"] = json!("*"),
    },
    Mutation {
        name: "everything but something",
        edit: |template| statements(template, RECORDING)[1]["NotResource"] = json!("x"),
    },
    Mutation {
        name: "a recording role writes any key",
        edit: |template| {
            drop(
                statements(template, RECORDING)[0]
                    .as_object_mut()
                    .unwrap()
                    .remove("Condition"),
            )
        },
    },
    Mutation {
        name: "a recording role writes any key of the journal",
        edit: |template| {
            statements(template, RECORDING)[0]["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]
                [0] = json!({"Fn::Sub": "${Journal}#*"});
        },
    },
    Mutation {
        name: "a request without keys passes",
        edit: |template| {
            let condition = &mut statements(template, RECORDING)[0]["Condition"];
            condition.as_object_mut().unwrap().remove("Null");
        },
    },
    Mutation {
        name: "query reads a key",
        edit: |template| {
            let secret = json!({"Ref": "PermitKeySecret"});
            allow(template, QUERY, "secretsmanager:GetSecretValue", secret);
        },
    },
    Mutation {
        name: "query records",
        edit: |template| {
            let arns = &mut template["Resources"]["QueryRole"]["Properties"]["ManagedPolicyArns"];
            arns.as_array_mut()
                .unwrap()
                .push(json!({"Ref": "Recording"}));
        },
    },
    Mutation {
        name: "a policy of AWS's own",
        edit: |template| {
            let arns = &mut template["Resources"]["SealRole"]["Properties"]["ManagedPolicyArns"];
            arns.as_array_mut()
                .unwrap()
                .push(json!("arn:aws:iam::aws:policy/AdministratorAccess"));
        },
    },
    Mutation {
        name: "the key opens everything",
        edit: |template| {
            let all = statements(template, SEAL).iter_mut();
            let mut keys = all.filter(|statement| statement["Sid"] == "EncryptAndDecrypt");
            keys.next()
                .unwrap()
                .as_object_mut()
                .unwrap()
                .remove("Condition");
        },
    },
];

pub const NARROWER: [Mutation; 2] = [
    Mutation {
        name: "a recording role may not append",
        edit: |template| drop(statements(template, RECORDING).remove(0)),
    },
    Mutation {
        name: "seal may not sign",
        edit: |template| {
            statements(template, SEAL).retain(|statement| statement["Fn::If"].is_null())
        },
    },
];

pub const MISWIRED: [Mutation; 5] = [
    Mutation {
        name: "two functions share a role",
        edit: |template| {
            template["Resources"]["Approve"]["Properties"]["Role"] =
                json!({"Fn::GetAtt": ["IngestRole", "Arn"]});
        },
    },
    Mutation {
        name: "a function has policies of its own",
        edit: |template| {
            template["Resources"]["Query"]["Properties"]["Policies"] =
                json!(["AmazonDynamoDBFullAccess"])
        },
    },
    Mutation {
        name: "anybody takes a role",
        edit: |template| {
            template["Resources"]["SealRole"]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
                [0]["Principal"] = json!("*");
        },
    },
    Mutation {
        name: "a policy beside the roles",
        edit: |template| {
            template["Resources"]["More"] =
                json!({"Type": "AWS::IAM::RolePolicy", "Properties": {}})
        },
    },
    Mutation {
        name: "a function that is not in the table",
        edit: |template| {
            template["Resources"]["Erase"] = template["Resources"]["Query"].clone();
        },
    },
];

fn statements<'a>(template: &'a mut Value, policy: &str) -> &'a mut Vec<Value> {
    let place = format!("/Resources/{policy}/PolicyDocument/Statement");
    template
        .pointer_mut(&place)
        .unwrap()
        .as_array_mut()
        .unwrap()
}

const RECORDING: &str = "Recording/Properties";
const QUERY: &str = "QueryRole/Properties/Policies/0";
const SEAL: &str = "SealRole/Properties/Policies/0";

/// Gives a policy one statement more.
fn allow(template: &mut Value, policy: &str, action: &str, on: Value) {
    let statement = json!({"Effect": "Allow", "Action": action, "Resource": on});
    statements(template, policy).push(statement);
}

fn table_arn() -> Value {
    json!({"Fn::GetAtt": ["Table", "Arn"]})
}
