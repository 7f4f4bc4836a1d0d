// Makes the replica set of one member and its users, where they are missing, and gives users the passwords of the secrets.
// Run by mongosh beside MongoDB, over its own address 127.0.0.1: only from there the first user can be made.
const { readFileSync } = require("fs");

const secret = (name) => readFileSync(`/run/secrets/${name}`, "utf8").trim();
const ADMIN = { user: "admin", pwd: secret("mongo_admin_password"), roles: ["root"] };
const GENERIA = { user: "generia", pwd: secret("mongo_password"), roles: ["readWriteAnyDatabase"] };
const PATIENCE_MS = 120000;

/** Try until it comes true; what is thrown last says why it never did. */
function insist(attempt) {
    const deadline = Date.now() + PATIENCE_MS;
    for (;;) {
        try {
            const found = attempt();
            if (found) return found;
        } catch (error) {
            if (Date.now() > deadline) throw error;
        }
        if (Date.now() > deadline) throw new Error("MongoDB did not become ready");
        sleep(300);
    }
}

const connect = () => new Mongo("mongodb://127.0.0.1:27017/?directConnection=true").getDB("admin");

/** Return a connection of this user's, or null where there is no such user, or one with another password. */
function login({ user, pwd }) {
    const admin = connect();
    try {
        admin.auth(user, pwd);
        return admin;
    } catch (error) {
        return null;
    }
}

let admin = insist(connect);
if (!admin.hello().setName) {
    const members = [{ _id: 0, host: "mongo:27017" }];
    insist(() => admin.runCommand({ replSetInitiate: { _id: "rs0", members } }).ok || admin.hello().setName);
}
insist(() => admin.hello().isWritablePrimary);
admin = login(ADMIN);
if (!admin) {
    connect().createUser(ADMIN);
    admin = insist(() => login(ADMIN));
}
if (!login(GENERIA)) {
    if (admin.getUser(GENERIA.user)) admin.updateUser(GENERIA.user, { pwd: GENERIA.pwd });
    else admin.createUser(GENERIA);
}
print("The replica set and its users are there.");
