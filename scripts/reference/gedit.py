"""GEdit-Bench's scores of made-up judgments, in plain Python from the definition (docs/gedit.md).

    python scripts/reference/gedit.py > crates/imgeval-suites/tests/fixtures/gedit.json

SC and PQ are the smaller of two whole numbers from 0 to 10; O of an image is the square root of their product. A group's
score is the mean over its images, the average the mean of the groups. English and Chinese instructions are apart; the
intersection is the rows whose flag is set.
"""

import json
import math
import random
import statistics

GROUPS = ["background_change", "color_alter", "material_alter", "motion_change", "ps_human", "style_change",
          "subject-add", "subject-remove", "subject-replace", "text_change", "tone_transfer"]
NAMES = {"semantics": lambda row: min(row["sc"]), "quality": lambda row: min(row["pq"]),
         "overall": lambda row: math.sqrt(min(row["sc"]) * min(row["pq"]))}
generator = random.Random(17)


def made_up(group, language, number):
    pair = [[generator.choice([0, 2, 5, 7, 8, 8, 9, 10]) for _ in range(2)] for _ in range(2)]
    return {"task_type": group, "key": f"{group}-{language}-{number}", "instruction_language": language,
            "intersection_exist": number == 0 or generator.random() < 0.7, "sc": pair[0], "pq": pair[1]}


def means(rows):
    groups = {group: {name: statistics.fmean(value(row) for row in rows if row["task_type"] == group)
                      for name, value in NAMES.items()} for group in GROUPS}
    average = {name: statistics.fmean(group[name] for group in groups.values()) for name in NAMES}
    return {"groups": groups, "average": average}


rows = [made_up(group, language, number) for language in ("en", "cn") for group in GROUPS
        for number in range(generator.randint(2, 5))]
statistics_of = {}
for language in ("en", "cn"):
    of = [row for row in rows if row["instruction_language"] == language]
    statistics_of[language] = {"full": means(of), "intersection": means([r for r in of if r["intersection_exist"]])}
lines = ",\n".join(" " + json.dumps(row) for row in rows)
print('{"rows": [\n' + lines + '\n],\n"statistics": ' + json.dumps(statistics_of, indent=1) + "}")
