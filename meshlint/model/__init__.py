"""The types every layer speaks: places, nodes, resources, problems, findings, rules, questions."""
