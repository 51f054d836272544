#include "api/documents/pdf/fields.h"

#include <algorithm>
#include <unordered_set>

#include "api/documents/pdf/text_string.h"

namespace sigillo::pdf {
namespace {

struct Node {
    const Object* object;
    std::string parent;   // fully qualified name
    std::string type;     // inherited /FT
    const Object* value;  // inherited /V
    Reference value_reference;
    std::size_t depth;
};

bool is_widget(const Document& document, const Object* object) {
    return document.get_name(object, "Subtype") == "Widget" || document.get_array(object, "Rect") != nullptr;
}

// Kids that are fields of their own have a name.
std::vector<const Object*> kids_of(const Document& document, const Object* field) {
    std::vector<const Object*> kids;
    if (const Object* const array = document.get_array(field, "Kids"))
        for (const Object& kid : array->GetArray())
            if (const Object* const object = document.resolve(&kid);
                object != nullptr && object->IsDictionary())
                kids.push_back(object);
    return kids;
}

std::string qualified(const std::string& parent, const std::string& name) {
    if (parent.empty() || name.empty()) return parent + name;
    return parent + '.' + name;
}

std::unexpected<Error> too_many(const char* what, std::size_t limit) {
    return fail(Errc::kLimitExceeded,
                std::string("the document has more than ") + std::to_string(limit) + ' ' + what, "document");
}

SignatureField signature_field(const Document& document, const Node& node,
                               const std::vector<const Object*>& kids) {
    SignatureField field;
    field.name = node.parent;
    field.object = node.object;
    field.reference = Document::reference_of(*node.object);
    field.value = node.value;
    field.value_reference = node.value_reference;
    if (kids.empty() && is_widget(document, node.object)) field.widget = node.object;
    if (kids.size() == 1) field.widget = kids.front();
    const Object* const lock = document.get_dictionary(node.object, "Lock");
    field.lock = read_lock(document, lock);
    field.lock_mdp = read_permission(document, lock);
    return field;
}

}  // namespace

std::optional<FieldLock> read_lock(const Document& document, const Object* dictionary) {
    const std::string action = document.get_name(dictionary, "Action");
    FieldLock lock;
    if (action == "All") {
        lock.action = LockAction::kAll;
        return lock;
    }
    if (action != "Include" && action != "Exclude") return std::nullopt;
    lock.action = action == "Include" ? LockAction::kInclude : LockAction::kExclude;
    if (const Object* const fields = document.get_array(dictionary, "Fields"))
        for (const Object& element : fields->GetArray())
            if (const Object* const name = document.resolve(&element);
                name != nullptr && (name->IsString() || name->IsHexString()))
                lock.fields.push_back(decode_text_string(octets_of(name->GetString())));
    return lock;
}

bool covers(const FieldLock& lock, const std::string& field) {
    if (lock.action == LockAction::kAll) return true;
    // A name stands for everything below it too.
    const bool listed = std::any_of(lock.fields.begin(), lock.fields.end(), [&](const std::string& name) {
        return field == name || field.starts_with(name + '.');
    });
    return listed == (lock.action == LockAction::kInclude);
}

std::optional<Certification> read_permission(const Document& document, const Object* dictionary) {
    const Object* const p = document.get(dictionary, "P");
    if (p == nullptr || !p->IsNumber() || p->GetNumber() < 1 || p->GetNumber() > 3) return std::nullopt;
    return static_cast<Certification>(p->GetNumber());
}

Result<Form> read_form(const Document& document) {
    const Limits& limits = document.limits();
    Form form;
    form.dictionary = document.get_dictionary(&document.catalog(), "AcroForm");
    if (form.dictionary == nullptr) return form;
    form.xfa = document.get(form.dictionary, "XFA") != nullptr;
    if (const Object* const flags = document.get(form.dictionary, "SigFlags");
        flags != nullptr && flags->IsNumber())
        form.signature_flags = flags->GetNumber();

    std::vector<Node> open;
    const auto push = [&](const PoDoFo::PdfArray& array, const Node& above) {
        for (std::size_t i = array.size(); i-- > 0;)
            open.push_back({document.resolve(&array[i]), above.parent, above.type, above.value,
                            above.value_reference, above.depth + 1});
    };
    if (const Object* const fields = document.get_array(form.dictionary, "Fields"))
        push(fields->GetArray(), Node{nullptr, "", "", nullptr, {}, 0});

    std::unordered_set<std::uint32_t> seen;
    std::size_t visited = 0;
    while (!open.empty()) {
        Node node = open.back();
        open.pop_back();
        if (node.object == nullptr || !node.object->IsDictionary()) continue;
        const Reference reference = Document::reference_of(*node.object);
        if (reference.number != 0 && !seen.insert(reference.number).second) continue;
        if (++visited > limits.fields) return too_many("form fields", limits.fields);
        if (node.depth > limits.tree_depth) return too_many("levels of form fields", limits.tree_depth);

        node.parent = qualified(node.parent, document.get_text(node.object, "T"));
        if (const std::string type = document.get_name(node.object, "FT"); !type.empty()) node.type = type;
        if (const Object* const value = document.get(node.object, "V")) {
            node.value = value;
            node.value_reference = document.get_reference(node.object, "V");
        }
        const std::vector<const Object*> kids = kids_of(document, node.object);
        const bool inner = std::any_of(kids.begin(), kids.end(),
                                       [&](const Object* kid) { return document.get(kid, "T") != nullptr; });
        form.names.insert(node.parent);
        if (inner) {
            push(document.get_array(node.object, "Kids")->GetArray(), node);
        } else if (node.type == "Sig") {
            if (form.signatures.size() >= limits.signatures)
                return too_many("signature fields", limits.signatures);
            if (node.value != nullptr && !node.value->IsDictionary()) node.value = nullptr;
            form.signatures.push_back(signature_field(document, node, kids));
        }
    }
    return form;
}

}  // namespace sigillo::pdf
