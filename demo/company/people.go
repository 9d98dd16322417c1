package company

import (
	"fmt"
	"strings"
	"time"

	// The past depends on when people sleep, and must not depend on whether
	// the machine knows their time zones.
	_ "time/tzdata"
)

func firstNames() []string {
	return strings.Fields("Ada Amir Anja Ben Bola Carla Chen Dana Dev Elif Emre Fatou Finn Gita Hana Igor Ines Jae Jonas Kofi Lena Luis Mara Mei Milan Nadia Noor Olu Omar Pia Priya Quinn Rana Ravi Rosa Sam Sana Sven Tara Tomas Uma Vera Wen Yara Yusuf Zoe")
}

func lastNames() []string {
	return strings.Fields("Abara Almeida Anders Baker Banerjee Berg Castro Costa Diallo Dubois Evans Fischer Garcia Haddad Hansen Ito Jansen Kaya Keller Khan Kim Lopez Marino Mehta Moreau Murphy Nair Novak Okafor Olsen Park Petrov Rossi Sato Schmidt Silva Singh Suzuki Tanaka Torres Varga Weber Wood Yilmaz Zhang")
}

// teams makes the roster's teams, seven to nine people each.
func (b *builder) teams() error {
	taken := map[string]bool{}
	for _, e := range teamRoster() {
		d := b.dice("team", e.name)
		location, err := time.LoadLocation(e.zone)
		if err != nil {
			return fmt.Errorf("reading the time zone of team %s: %w", e.name, err)
		}
		team := &Team{Name: e.name, Title: e.title, Org: e.org, Zone: e.zone, Project: e.project, location: location}
		for size := 7 + d.IntN(3); len(team.People) < size; {
			name := pick(d, firstNames()) + " " + pick(d, lastNames())
			if taken[name] {
				continue
			}
			taken[name] = true
			team.People = append(team.People, Person{
				ID: identifier(b.Seed, "P", "person", name), Name: name,
				Email: strings.ToLower(strings.ReplaceAll(name, " ", ".")) + "@example.com",
			})
		}
		b.Teams = append(b.Teams, team)
	}
	return nil
}
