package registry

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"yunjian/internal/sheet"
	"yunjian/notice"
	"yunjian/recommender"
)

// answerWords are the answers as departments write them.
var answerWords = map[string]notice.Answer{
	"同意释放": notice.AgreeRelease, "同意降配": notice.AgreeDownsize, "同意停机": notice.AgreeStop, "调整规格": notice.Resize, "申请豁免": notice.Exempt, "异议": notice.Object,
}

var answerFields = []field[notice.AnswerLine]{
	put(func(l *notice.AnswerLine) *string { return &l.CaseID }, "案卷", "case"),
	{[]string{"意见", "answer"}, func(l *notice.AnswerLine, cell string) string {
		l.Answer = notice.Answer(cell)
		if a, ok := answerWords[cell]; ok {
			l.Answer = a
		}
		for _, a := range notice.Answers() {
			if l.Answer == a {
				return ""
			}
		}
		return fmt.Sprintf("同意释放, 同意降配, 同意停机, 调整规格, 申请豁免, 异议, or one of %v", notice.Answers())
	}},
	put(func(l *notice.AnswerLine) *string { return &l.Reason }, "理由", "reason"),
	put(func(l *notice.AnswerLine) *string { return &l.Note }, "说明", "note"),
	{[]string{"证明", "证明材料", "evidence"}, func(l *notice.AnswerLine, cell string) string {
		l.Evidence = append(l.Evidence, notice.Evidence{Name: cell})
		return ""
	}},
	{[]string{"规格", "target"}, func(l *notice.AnswerLine, cell string) string {
		s, ok := ParseSize(cell)
		if !ok {
			return "a size such as 4C16G, or 200G of a disk"
		}
		l.Target = &s
		return ""
	}},
	put(func(l *notice.AnswerLine) *string { return &l.Planned }, "拟实施日期", "planned"),
	put(func(l *notice.AnswerLine) *string { return &l.Window }, "变更窗口", "window"),
	put(func(l *notice.AnswerLine) *string { return &l.Expires }, "豁免到期", "expires"),
	put(func(l *notice.AnswerLine) *string { return &l.Wipe }, "数据清除要求", "wipe"),
}

var sizes = regexp.MustCompile(`^(?:(\d{1,5})[cC核](\d{1,6}(?:\.\d+)?)[gG][bB]?|(\d{1,7}(?:\.\d+)?)[gG][bB]?)$`)

// ParseSize reads a size as people write it: 4C16G, 4核16GB, or 200G of a disk.
func ParseSize(text string) (s recommender.Spec, ok bool) {
	m := sizes.FindStringSubmatch(strings.TrimSpace(text))
	if m == nil {
		return s, false
	}
	if m[3] != "" {
		s.StorageGiB, _ = strconv.ParseFloat(m[3], 64)
		return s, true
	}
	s.VCPU, _ = strconv.Atoi(m[1])
	s.MemoryGiB, _ = strconv.ParseFloat(m[2], 64)
	return s, true
}

// ReadAnswers reads a department's answer to each line of a notice.
func ReadAnswers(disk sheet.Reader, path string) (lines []notice.AnswerLine, notes []string, err error) {
	var wrong sheet.Mistakes
	tables, err := sheet.ReadFile(disk, path, &wrong)
	if err != nil {
		return nil, nil, err
	}
	for _, t := range tables {
		notes = append(notes, rows(t, answerFields, 2, &lines, &wrong)...)
	}
	if !wrong.None() {
		return nil, nil, &wrong
	}
	return lines, notes, nil
}
