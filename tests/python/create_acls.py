"""Creates ACLs with confluent-kafka.

Reads a JSON object from standard input:

    client   librdkafka settings of a user who may create ACLs
    acls     list of {user, resource, name, pattern, operation}, in the words of Kafka

Writes the number of ACLs to standard output.
"""

import json
import sys

from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)

# Operation, as in the documentation of Kafka, and the name in confluent-kafka.
OPERATIONS = {
    "Create": AclOperation.CREATE,
    "Alter": AclOperation.ALTER,
    "AlterConfigs": AclOperation.ALTER_CONFIGS,
    "Delete": AclOperation.DELETE,
    "Describe": AclOperation.DESCRIBE,
    "DescribeConfigs": AclOperation.DESCRIBE_CONFIGS,
    "Read": AclOperation.READ,
    "Write": AclOperation.WRITE,
}
RESOURCES = {
    "topic": ResourceType.TOPIC,
    "group": ResourceType.GROUP,
    "transactional id": ResourceType.TRANSACTIONAL_ID,
}
PATTERNS = {"literal": ResourcePatternType.LITERAL, "prefixed": ResourcePatternType.PREFIXED}


def binding(acl):
    return AclBinding(
        RESOURCES[acl["resource"]],
        acl["name"],
        PATTERNS[acl["pattern"]],
        "User:" + acl["user"],
        "*",
        OPERATIONS[acl["operation"]],
        AclPermissionType.ALLOW,
    )


job = json.load(sys.stdin)
admin = AdminClient(job["client"])
created = admin.create_acls([binding(acl) for acl in job["acls"]])
for answer in created.values():
    answer.result(30)
json.dump(len(created), sys.stdout)
